import ArgumentParser
import DailiesCore
import DailiesManifest
import Foundation

/// The command line with what configuration files add to it: options that neither it nor the environment sets.
struct Configured: Sendable {
    struct Value: Sendable {
        let values: [String]
        /// `dailies.yaml:3`
        let origin: String
    }

    private static let projectFiles = [".dailies.toml", ".dailies.yaml", "dailies.yaml"]
    private static let userFiles = ["config.toml", "config.yaml"]

    /// Of the command that runs; set once, before it is parsed.
    nonisolated(unsafe) private(set) static var current = Configured()

    /// By the option's name, without dashes.
    private(set) var values: [String: Value] = [:]

    /// What runs is told to everyone who asks for ``current``.
    ///
    /// - Throws: ``Stop`` with 64 for a file that cannot be taken as it is.
    static func arguments(_ words: [String], environment: [String: String]) throws -> [String] {
        guard let name = words.first, let command = command(named: name) else { return words }
        let known = options(of: command)
        var configured = Configured()
        try configured.take(projectFolder(words, known), projectFiles, isOwn: false)
        if let folder = userFolder(environment) { try configured.take(folder, userFiles, isOwn: true) }
        current = configured
        return [name] + configured.options(for: name, known, words, environment) + words.dropFirst()
    }

    private static func command(named name: String) -> (any ParsableCommand.Type)? {
        DailiesCommand.configuration.subcommands.first { $0.configuration.commandName == name }
    }

    /// What a command knows, by names without dashes, and whether it takes a value.
    private static func options(of command: any ParsableCommand.Type) -> [String: Bool] {
        let lines = DailiesCommand.helpMessage(for: command, columns: 400).split(separator: "\n")
        return lines.reduce(into: [:]) { options, line in
            guard let option = line.prefixMatch(of: #/  (?:-\w, )?--([a-z0-9-]+)(?:$| (<)?)/#) else { return }
            options[String(option.1)] = option.2 != nil
        }
    }

    // MARK: Files

    private mutating func take(_ folder: String, _ names: [String], isOwn: Bool) throws {
        var files: [SettingsFile] = []
        for name in names {
            do throws(SettingsFile.Problem) {
                if let file = try SettingsFile.read(folder.isEmpty ? name : folder + "/" + name) { files.append(file) }
            } catch {
                throw Stop(.usage, error.description)
            }
        }
        guard files.count <= 1 else {
            throw Stop(.usage, "there are \(files[0].path) and \(files[1].path); keep one of the two")
        }
        for entry in files.first?.entries ?? [] { try take(entry, of: files[0].path, isOwn: isOwn) }
    }

    private mutating func take(_ entry: SettingsFile.Entry, of path: String, isOwn: Bool) throws {
        let name = entry.name.replacing("_", with: "-")
        let origin = "\(path):\(entry.line)"
        if ConfigurationNames.own.contains(name), !isOwn {
            throw Stop(
                .usage,
                "\(origin): \(entry.name) stands only in your own file, since the folder of a manifest may be somebody "
                    + "else's; see `dailies help configuration`")
        }
        guard ConfigurationNames.own.contains(name) || ConfigurationNames.anywhere.contains(name) else {
            throw Stop(.usage, "\(origin): \(SafeText.quoted(entry.name)) is no setting; \(ConfigurationNames.list)")
        }
        // The file beside the manifest was read first, and comes first.
        if values[name] == nil { values[name] = Value(values: entry.values, origin: SafeText.escaped(origin)) }
    }

    /// The folder of the first manifest on the command line; the present one where there is none.
    private static func projectFolder(_ words: [String], _ known: [String: Bool]) -> String {
        guard ["run", "plan", "rehearse", "explain"].contains(words.first ?? "") else { return "" }
        var takesValue = false
        for word in words.dropFirst() {
            if takesValue {
                takesValue = false
            } else if word.hasPrefix("-") {
                takesValue = known[String(word.dropFirst(2))] == true
            } else {
                guard let slash = word.lastIndex(of: "/") else { return "" }
                return String(word[..<slash])
            }
        }
        return ""
    }

    private static func userFolder(_ environment: [String: String]) -> String? {
        if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") { return folder + "/dailies" }
        return environment["HOME"].map { $0 + "/.config/dailies" }
    }

    // MARK: Options

    /// What the command knows, and nobody says who comes before a file.
    private func options(
        for name: String, _ known: [String: Bool], _ words: [String], _ environment: [String: String]
    ) -> [String] {
        values.sorted { $0.key < $1.key }.flatMap { option, value -> [String] in
            guard option != ConfigurationNames.keyCommand, let takesValue = known[option],
                !(name == "rehearse" && ConfigurationNames.notRehearsed.contains(option)),
                !words.contains(where: { $0 == "--\(option)" || $0.hasPrefix("--\(option)=") }),
                ConfigurationNames.variables[option].flatMap({ environment[$0] })?.isEmpty ?? true
            else { return [] }
            if !takesValue { return value.values == ["true"] ? ["--\(option)"] : [] }
            return value.values.map { "--\(option)=\(Self.expanded($0, option, environment))" }
        }
    }

    /// `~/` at the head of a path is the home folder, as in a shell.
    private static func expanded(_ value: String, _ option: String, _ environment: [String: String]) -> String {
        guard ConfigurationNames.paths.contains(option), value.hasPrefix("~/"),
            let home = environment["HOME"]
        else { return value }
        return home + value.dropFirst(1)
    }
}
