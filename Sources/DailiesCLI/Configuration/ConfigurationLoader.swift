import ArgumentParser
import DailiesCore
import DailiesManifest
import ExactJSON
import Foundation

/// The command line with what files add to it: options that neither it nor the environment sets.
struct ConfigurationLoader: Sendable {
    struct Value: Sendable {
        /// As they are written, flags as `true` or `false`.
        var values: [String]
        /// `dailies.yaml:3`
        let origin: String
    }

    /// What the file in the folder of a manifest, or in the present one, changed.
    struct Change: Sendable {
        let name: String
        let value: String
        /// `dailies.yaml:3`
        let origin: String
    }

    private static let projectFiles = [".dailies.toml", ".dailies.yaml", "dailies.yaml"]
    private static let userFiles = ["config.toml", "config.yaml"]

    /// Of the command that runs; set once, before it is parsed.
    nonisolated(unsafe) private(set) static var current = ConfigurationLoader()

    /// By the option's name, without dashes.
    private(set) var values: [String: Value] = [:]
    /// Those that the command takes, in the order of the folder's file.
    private(set) var folderChanges: [Change] = []
    /// The plan that is to be carried out.
    private(set) var plan: SavedPlan?

    /// The command that runs, its words, and what it knows: options by their names without dashes, and whether each
    /// takes a value.
    private struct TypedCommand {
        let name: String
        let words: [String]
        let known: [String: Bool]
        let environment: [String: String]

        func isGiven(_ option: String) -> Bool {
            words.contains { $0 == "--\(option)" || $0.hasPrefix("--\(option)=") }
        }

        /// Nobody who comes before a file says it, and the command knows it.
        func takesFromFile(_ option: String) -> Bool {
            known[option] != nil && option != OptionRule.keyCommand && !isGiven(option)
                && OptionRule[option]?.commands?.contains(name) ?? true
                && !(name == "rehearse" && OptionRule.notRehearsed.contains(option))
                && OptionRule.variables[option].flatMap { environment[$0] }?.isEmpty ?? true
        }

        /// The value of an option that is given once.
        func value(of option: String) -> String? {
            for (index, word) in words.enumerated() {
                if word.hasPrefix("--\(option)=") { return String(word.dropFirst(option.count + 3)) }
                if word == "--\(option)", index + 1 < words.count { return words[index + 1] }
            }
            return nil
        }

        /// The folder of the first manifest; the present one, as "", where there is none.
        var manifestFolder: String {
            guard ["run", "plan", "rehearse", "explain"].contains(name) else { return "" }
            var takesValue = false
            for word in words {
                if takesValue {
                    takesValue = false
                } else if word.hasPrefix("-") {
                    takesValue = known[String(word.dropFirst(2))] == true
                } else {
                    return word.lastIndex(of: "/").map { String(word[..<$0]) } ?? ""
                }
            }
            return ""
        }
    }

    /// What runs is told to everyone who asks for ``current``.
    ///
    /// - Throws: ``Stop`` with 64 for a file that cannot be taken as it is, with 65 for a file that is not a plan.
    static func arguments(_ words: [String], environment: [String: String]) throws -> [String] {
        guard let name = words.first, let command = command(named: name) else { return words }
        let line = TypedCommand(
            name: name, words: Array(words.dropFirst()), known: options(of: command), environment: environment)
        var configured = ConfigurationLoader()
        let own = try userFolder(environment).flatMap { try file($0, userFiles) }
        let folder = try file(line.manifestFolder, projectFiles)
        if let own { try configured.takeOwn(own) }
        if let folder { try configured.takeFolder(folder, line) }
        if name == "run", !line.isGiven("help"), let path = line.value(of: "plan") {
            configured.plan = try SavedPlan.read(path)
            // The plan binds the run, whatever files say by now.
            configured.values = configured.values.filter { OptionRule[$0.key]?.isPlanned != true }
        }
        configured.folderChanges.removeAll { configured.values[$0.name] == nil || !line.takesFromFile($0.name) }
        current = configured
        return [name] + configured.options(for: line) + configured.plannedOptions(for: line) + line.words
    }

    private static func command(named name: String) -> (any ParsableCommand.Type)? {
        DailiesCommand.configuration.subcommands.first { $0.configuration.commandName == name }
    }

    private static func options(of command: any ParsableCommand.Type) -> [String: Bool] {
        let lines = DailiesCommand.helpMessage(for: command, columns: 400).split(separator: "\n")
        return lines.reduce(into: [:]) { options, line in
            guard let option = line.prefixMatch(of: #/  (?:-\w, )?--([a-z0-9-]+)(?:$| (<)?)/#) else { return }
            options[String(option.1)] = option.2 != nil
        }
    }

    // MARK: Files

    private static func file(_ folder: String, _ names: [String]) throws -> ConfigurationFile? {
        var files: [ConfigurationFile] = []
        for name in names {
            do throws(ConfigurationFile.Problem) {
                let path = folder.isEmpty ? name : folder + "/" + name
                guard let file = try ConfigurationFile.read(path) else { continue }
                if file.isManifest { Self.warnOfManifest(path) } else { files.append(file) }
            } catch {
                throw Stop(.usage, error.description)
            }
        }
        guard files.count <= 1 else {
            throw Stop(.usage, "there are \(files[0].path) and \(files[1].path); keep one of the two")
        }
        return files.first
    }

    private static func warnOfManifest(_ path: String) {
        Console.error(
            "warning: \(SafeText.escaped(path)) is the name of a configuration file, but it contains a manifest: no "
                + "settings are read from it; give the manifest another name, such as shots.yaml")
    }

    private mutating func takeOwn(_ file: ConfigurationFile) throws {
        for entry in file.entries {
            let rule = try Self.rule(for: entry, of: file)
            let values = try Self.values(of: entry, rule, file)
            self.values[rule.name] = Value(values: values.map(\.text), origin: Self.origin(of: entry, file))
        }
    }

    private mutating func takeFolder(_ file: ConfigurationFile, _ line: TypedCommand) throws {
        for entry in file.entries {
            let rule = try Self.rule(for: entry, of: file)
            let known = values[rule.name]?.values ?? []
            let values: [String]
            var changes: [String]
            switch rule.files {
            case .none: preconditionFailure("\(rule.name) is of one run")
            case .own:
                throw Stop(
                    .usage,
                    "\(Self.place(of: entry, file)): \(entry.name) stands only in your own file\(Self.or(rule, nil)), since the "
                        + "folder of a manifest may be somebody else's; see `dailies help configuration`")
            case .any:
                values = try Self.values(of: entry, rule, file).map(\.text)
                changes = values == known ? [] : values
            case .tighter(let guarded):
                let written = try Self.values(of: entry, rule, file)
                // What the user types comes before any file.
                if line.isGiven(rule.name) { continue }
                do throws(OptionLimit.Refusal) {
                    let tightened = try guarded.tightened(known, by: written)
                    (values, changes) = (tightened.values, tightened.changes)
                } catch {
                    throw Self.stop(error, entry, rule, file)
                }
            }
            if changes.isEmpty { continue }
            let origin = Self.origin(of: entry, file)
            self.values[rule.name] = Value(values: values, origin: origin)
            folderChanges += changes.map { Change(name: rule.name, value: $0, origin: origin) }
        }
    }

    private static func rule(for entry: ConfigurationFile.Entry, of file: ConfigurationFile) throws -> OptionRule {
        let name = entry.name.replacing("_", with: "-")
        if let rule = OptionRule[name] {
            if case .none = rule.files {} else { return rule }
        }
        throw Stop(
            .usage,
            "\(place(of: entry, file)): \(SafeText.quoted(entry.name)) is no setting; your own file may set "
                + OptionRule.settable.joined(separator: ", "))
    }

    /// The values as the option takes them: words for true and false as `true` and `false`.
    private static func values(
        of entry: ConfigurationFile.Entry, _ rule: OptionRule, _ file: ConfigurationFile
    ) throws -> [ConfigurationFile.Value] {
        switch rule.form {
        case .list: return entry.values
        case .value:
            guard entry.values.count == 1 else {
                throw Stop(
                    .usage, "\(place(of: entry, file)): \(entry.name) takes one value; write \(entry.name): value")
            }
            return entry.values
        case .flag:
            guard let value = entry.values.first, entry.values.count == 1, let isSet = value.flag else {
                let value = entry.values.first.map { "\(SafeText.quoted($0.text)) is" } ?? "an empty list is"
                throw Stop(
                    .usage,
                    "\(place(of: entry, file, entry.values.first)): \(entry.name): \(value) neither true nor false; write "
                        + "true or false")
            }
            return [ConfigurationFile.Value(text: "\(isSet)", line: value.line, column: value.column)]
        }
    }

    private static func stop(
        _ refusal: OptionLimit.Refusal, _ entry: ConfigurationFile.Entry, _ rule: OptionRule, _ file: ConfigurationFile
    ) -> Stop {
        switch refusal {
        case .noValue(let value):
            return Stop(
                .usage,
                "\(place(of: entry, file, value)): \(SafeText.quoted(value.text)) is no value of \(entry.name); see "
                    + "`dailies run --help`")
        case .looser(let value, let limit):
            let what =
                limit.map { "allows more than \(SafeText.escaped($0)), which holds without it" } ?? "lifts a limit"
            return Stop(
                .usage,
                "\(place(of: entry, file, value)): \(entry.name): \(SafeText.escaped(value.text)) \(what); the file in the "
                    + "folder of a manifest may only tighten it: write it into your own file\(or(rule, value)); see `dailies "
                    + "help configuration`")
        }
    }

    /// `, or give --budget 500`; without a value ` or on the command line, as --store`
    private static func or(_ rule: OptionRule, _ value: ConfigurationFile.Value?) -> String {
        if rule.name == OptionRule.keyCommand { return "" }
        var words = ["--" + rule.name]
        if let value, rule.form != .flag { words.append(value.text) }
        return (value == nil ? " or on the command line, as " : ", or give ") + ShellWord.line(words)
    }

    private static func place(
        of entry: ConfigurationFile.Entry, _ file: ConfigurationFile, _ value: ConfigurationFile.Value? = nil
    ) -> String {
        "\(file.path):\(value?.line ?? entry.line):\(value?.column ?? entry.column)"
    }

    private static func origin(of entry: ConfigurationFile.Entry, _ file: ConfigurationFile) -> String {
        SafeText.escaped("\(file.path):\(entry.line)")
    }

    private static func userFolder(_ environment: [String: String]) -> String? {
        if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") { return folder + "/dailies" }
        return environment["HOME"].map { $0 + "/.config/dailies" }
    }

    // MARK: Options

    private func options(for line: TypedCommand) -> [String] {
        values.sorted { $0.key < $1.key }.flatMap { option, value -> [String] in
            guard line.takesFromFile(option) else { return [] }
            if line.known[option] == false { return value.values == ["true"] ? ["--\(option)"] : [] }
            return value.values.map { "--\(option)=\(Self.expanded($0, option, line.environment))" }
        }
    }

    /// What the plan holds and nobody types; what is typed is compared with the plan later.
    private func plannedOptions(for line: TypedCommand) -> [String] {
        (plan?.options ?? [:]).sorted { $0.key < $1.key }.flatMap { option, values -> [String] in
            guard let takesValue = line.known[option], !line.isGiven(option) else { return [] }
            return takesValue ? values.map { "--\(option)=\($0)" } : ["--\(option)"]
        }
    }

    /// `~/` at the head of a path is the home folder, as in a shell.
    private static func expanded(_ value: String, _ option: String, _ environment: [String: String]) -> String {
        guard OptionRule[option]?.isPath == true, value.hasPrefix("~/"), let home = environment["HOME"] else {
            return value
        }
        return home + value.dropFirst(1)
    }
}

/// What the file in the folder of a manifest changed, said at the head of a run.
enum FolderSettings {
    static func announce(json: Bool) {
        let changes = ConfigurationLoader.current.folderChanges
        guard !changes.isEmpty else { return }
        if json { return JSONLine.write("folder_settings") { write("settings", to: &$0) } }
        let words = changes.map { "\($0.name) \(SafeText.escaped($0.value)) (\($0.origin))" }
        Console.error("the folder's file sets: \(words.joined(separator: ", "))")
    }

    static func write(_ name: String, to writer: inout JSONWriter) {
        writer.name(name)
        writer.array { array in
            for change in ConfigurationLoader.current.folderChanges {
                array.object { writer in
                    writer.member("name", change.name)
                    writer.member("value", change.value)
                    writer.member("from", change.origin)
                }
            }
        }
    }
}
