import ArgumentParser
import DailiesCore
import DailiesManifest
import Foundation

/// Adds options from configuration files to the command line, unless the command line or the environment sets them.
struct ConfigurationLoader: Sendable {
    struct Value: Sendable {
        /// The text from the file; flags are `true` or `false`.
        var values: [String]
        /// `dailies.yaml:3`
        let origin: String
    }

    /// A setting that the project file changed. The project file is in the manifest's folder or the current one.
    struct Change: Sendable {
        let name: String
        let value: String
        /// `dailies.yaml:3`
        let origin: String
    }

    private static let projectFiles = [".dailies.yaml", "dailies.yaml"]
    private static let userFiles = ["config.yaml"]

    /// The configuration of the active command. Set once, before the command is parsed.
    nonisolated(unsafe) private(set) static var current = ConfigurationLoader()

    /// By option name, without dashes.
    private(set) var values: [String: Value] = [:]
    /// Changes to options that the command has, in the order of the project file.
    private(set) var folderChanges: [Change] = []
    /// The plan given with `--plan`.
    private(set) var plan: SavedPlan?

    /// The active command with its arguments.
    private struct TypedCommand {
        let name: String
        let arguments: [String]
        /// The command's options by name, without dashes, and whether each takes a value.
        let known: [String: Bool]
        let environment: [String: String]

        func isGiven(_ option: String) -> Bool {
            arguments.contains { $0 == "--\(option)" || $0.hasPrefix("--\(option)=") }
        }

        /// Whether the command has the option, and neither the command line nor the environment sets it.
        func takesFromFile(_ option: String) -> Bool {
            known[option] != nil && option != OptionRule.keyCommand && !isGiven(option)
                && OptionRule[option]?.commands?.contains(name) ?? true
                && !(name == "rehearse" && OptionRule.notRehearsed.contains(option))
                && OptionRule.variables[option].flatMap { environment[$0] }?.isEmpty ?? true
        }

        /// The value of an option that is given once.
        func value(of option: String) -> String? {
            for (index, argument) in arguments.enumerated() {
                if argument.hasPrefix("--\(option)=") { return String(argument.dropFirst(option.count + 3)) }
                if argument == "--\(option)", index + 1 < arguments.count { return arguments[index + 1] }
            }
            return nil
        }

        /// The folder of the first manifest; "" for the current folder or if there is no manifest.
        var manifestFolder: String {
            guard ["run", "plan", "rehearse", "explain"].contains(name) else { return "" }
            var takesValue = false
            for argument in arguments {
                if takesValue {
                    takesValue = false
                } else if argument.hasPrefix("-") {
                    takesValue = known[String(argument.dropFirst(2))] == true
                } else {
                    return argument.lastIndex(of: "/").map { String(argument[..<$0]) } ?? ""
                }
            }
            return ""
        }
    }

    /// Adds options from files to the arguments, and sets ``current``.
    ///
    /// - Throws: ``Stop`` with 64 for an invalid configuration file, with 65 for an invalid plan.
    static func arguments(_ typed: [String], environment: [String: String]) throws -> [String] {
        guard let name = typed.first, let command = command(named: name) else { return typed }
        let line = TypedCommand(
            name: name, arguments: Array(typed.dropFirst()), known: options(of: command), environment: environment)
        var configured = ConfigurationLoader()
        let user = try userFolder(environment).flatMap { try file($0, userFiles, former: "config.toml") }
        let project = try file(line.manifestFolder, projectFiles, former: ".dailies.toml")
        if let user { try configured.addUserFile(user) }
        if let project { try configured.addProjectFile(project, line) }
        if name == "run", !line.isGiven("help"), let path = line.value(of: "plan") {
            configured.plan = try SavedPlan.read(path)
            // The plan overrides configuration files.
            configured.values = configured.values.filter { OptionRule[$0.key]?.isPlanned != true }
        }
        configured.folderChanges.removeAll { configured.values[$0.name] == nil || !line.takesFromFile($0.name) }
        current = configured
        return [name] + configured.options(for: line) + configured.plannedOptions(for: line) + line.arguments
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

    /// - Parameters:
    ///   - names: the last one is the name to suggest.
    ///   - former: the name of a TOML file, which earlier versions read.
    private static func file(_ folder: String, _ names: [String], former: String) throws -> ConfigurationFile? {
        let prefix = folder.isEmpty ? "" : folder + "/"
        guard !FileManager.default.fileExists(atPath: prefix + former) else {
            throw Stop(.usage, Self.conversion(from: prefix + former, to: prefix + (names.last ?? "")))
        }
        var files: [ConfigurationFile] = []
        for name in names {
            do throws(ConfigurationFile.Problem) {
                let path = prefix + name
                guard let file = try ConfigurationFile.read(path) else { continue }
                if file.isManifest { Self.warnOfManifest(path) } else { files.append(file) }
            } catch {
                throw Stop(.usage, error.description)
            }
        }
        guard files.count <= 1 else {
            throw Stop(.usage, "both \(files[0].path) and \(files[1].path) exist; keep only one of them")
        }
        return files.first
    }

    private static func conversion(from toml: String, to yaml: String) -> String {
        "\(SafeText.escaped(toml)): TOML is no longer read; move its lines to \(SafeText.escaped(yaml)), write "
            + "`name: value` instead of `name = value`, and delete \(SafeText.escaped(toml)); see "
            + "`dailies help configuration`"
    }

    private static func warnOfManifest(_ path: String) {
        Console.error(
            "warning: \(SafeText.escaped(path)) has the name of a configuration file but contains a manifest; no "
                + "settings are read from it; rename the manifest, for example to shots.yaml")
    }

    private mutating func addUserFile(_ file: ConfigurationFile) throws {
        for entry in file.entries {
            let rule = try Self.rule(for: entry, of: file)
            let values = try Self.values(of: entry, rule, file)
            self.values[rule.name] = Value(values: values.map(\.text), origin: Self.origin(of: entry, file))
        }
    }

    private mutating func addProjectFile(_ file: ConfigurationFile, _ line: TypedCommand) throws {
        for entry in file.entries {
            let rule = try Self.rule(for: entry, of: file)
            let known = values[rule.name]?.values ?? []
            let values: [String]
            var changes: [String]
            switch rule.files {
            case .none: preconditionFailure("\(rule.name) cannot be set in files")
            case .own:
                throw Stop(
                    .usage,
                    "\(Self.place(of: entry, file)): \(entry.name) is not allowed in a project file, which may come "
                        + "from another person; set it in your user file\(Self.or(rule, nil)); see "
                        + "`dailies help configuration`")
            case .any:
                values = try Self.values(of: entry, rule, file).map(\.text)
                changes = values == known ? [] : values
            case .tighter(let guarded):
                let written = try Self.values(of: entry, rule, file)
                // The command line overrides files.
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
            "\(place(of: entry, file)): \(SafeText.quoted(entry.name)) is not a setting; your user file may set "
                + OptionRule.settable.joined(separator: ", "))
    }

    /// The values for the option. Booleans such as `yes` and `off` become `true` and `false`.
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
                    "\(place(of: entry, file, entry.values.first)): \(entry.name): \(value) not a boolean; use true or "
                        + "false")
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
                "\(place(of: entry, file, value)): \(SafeText.quoted(value.text)) is not a valid value of "
                    + "\(entry.name); see `dailies run --help`")
        case .looser(let value, let limit):
            let effect =
                limit.map { "is looser than \(SafeText.escaped($0)), the value without this file" } ?? "removes a limit"
            return Stop(
                .usage,
                "\(place(of: entry, file, value)): \(entry.name): \(SafeText.escaped(value.text)) \(effect); a project "
                    + "file may only tighten this setting; set it in your user file\(or(rule, value)); see `dailies help "
                    + "configuration`")
        }
    }

    /// ` or use --budget 500`; without a value ` or with --store`
    private static func or(_ rule: OptionRule, _ value: ConfigurationFile.Value?) -> String {
        if rule.name == OptionRule.keyCommand { return "" }
        var arguments = ["--" + rule.name]
        if let value, rule.form != .flag { arguments.append(value.text) }
        return (value == nil ? " or with " : " or use ") + ShellWord.line(arguments)
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

    /// Options of the plan that were not typed. Typed options are compared with the plan later.
    private func plannedOptions(for line: TypedCommand) -> [String] {
        (plan?.options ?? [:]).sorted { $0.key < $1.key }.flatMap { option, values -> [String] in
            guard let takesValue = line.known[option], !line.isGiven(option) else { return [] }
            return takesValue ? values.map { "--\(option)=\($0)" } : ["--\(option)"]
        }
    }

    /// Expands a leading `~/` in a path, like a shell.
    private static func expanded(_ value: String, _ option: String, _ environment: [String: String]) -> String {
        guard OptionRule[option]?.isPath == true, value.hasPrefix("~/"), let home = environment["HOME"] else {
            return value
        }
        return home + value.dropFirst(1)
    }
}

/// Settings from the project file, printed at the start of a run.
enum FolderSettings {
    static func announce(json: Bool) {
        let changes = ConfigurationLoader.current.folderChanges
        guard !changes.isEmpty else { return }
        if json { return JSONLine.write("folder_settings", ["settings": Self.json]) }
        let list = changes.map { "\($0.name) \(SafeText.escaped($0.value)) (\($0.origin))" }
        Console.error("settings from the project file: \(list.joined(separator: ", "))")
    }

    static var json: [JSONObject] {
        ConfigurationLoader.current.folderChanges.map { ["name": $0.name, "value": $0.value, "from": $0.origin] }
    }
}
