import DailiesCore
import DailiesProvider
import Foundation

/// All settings with their sources.
enum DoctorSettings {
    static func list(
        _ store: StoreOptions, _ provider: ProviderOptions, output: String?
    ) -> [DoctorReport.Setting] {
        let environment = ProcessInfo.processInfo.environment
        var settings = [
            setting(
                "store", flag: ("--store", store.store),
                variable: (StoreOptions.environmentName, environment[StoreOptions.environmentName]),
                default: StoreOptions.defaultPath),
            DoctorReport.Setting(
                name: "provider", value: provider.provider.rawValue,
                origin: provider.provider == .bytespike ? "default" : origin("--provider")),
            setting(
                "base URL", flag: ("--base-url", provider.baseURL),
                variable: (ProviderOptions.baseURLName, environment[ProviderOptions.baseURLName]),
                default: ProviderConfiguration.defaultBaseURL),
        ]
        settings += keys(provider, environment)
        settings += [
            DoctorReport.Setting(
                name: "dialect", value: provider.dialect.rawValue,
                origin: provider.dialect == .flat ? "default" : origin("--dialect")),
            setting("output", flag: ("--output", output), variable: nil, default: RunOptionsDefaults.output),
        ]
        return settings + network(environment) + files()
    }

    /// Proxies and certificates from the environment. ``ProviderCheck`` reports unusable ones.
    private static func network(_ environment: [String: String]) -> [DoctorReport.Setting] {
        var settings: [DoctorReport.Setting] = []
        for (name, variable) in [("https proxy", "https_proxy"), ("http proxy", "http_proxy")] {
            let used = [variable, variable.uppercased()].first { !(environment[$0] ?? "").isEmpty }
            guard let used else {
                settings.append(DoctorReport.Setting(name: name, value: "none", origin: "default"))
                continue
            }
            settings.append(
                DoctorReport.Setting(name: name, value: proxy(used, environment), origin: "$\(used)"))
        }
        let exceptions = NetworkSettings.exceptions(in: environment)
        settings.append(
            DoctorReport.Setting(
                name: "no proxy for", value: exceptions.text.isEmpty ? "-" : SafeText.escaped(exceptions.text),
                origin: exceptions.variable.map { "$\($0)" } ?? "default"))
        let file = environment[TrustedCertificates.variable].flatMap { $0.isEmpty ? nil : $0 }
        settings.append(
            DoctorReport.Setting(
                name: "certificates", value: file.map(SafeText.escaped) ?? "system",
                origin: file == nil ? "default" : "$\(TrustedCertificates.variable)"))
        return settings
    }

    private static func proxy(_ variable: String, _ environment: [String: String]) -> String {
        do {
            let network = try NetworkSettings(environment: [variable: environment[variable] ?? ""])
            return (network.secureProxy ?? network.plainProxy).map { SafeText.escaped("\($0)") } ?? "none"
        } catch {
            return "unusable"
        }
    }

    /// Other settings from files, for commands that have these options.
    private static func files() -> [DoctorReport.Setting] {
        let shown = [
            "store", "provider", "base-url", "api-key-file", OptionRule.keyCommand, "dialect", "output",
        ]
        return ConfigurationLoader.current.values.filter { !shown.contains($0.key) }.sorted { $0.key < $1.key }.map {
            DoctorReport.Setting(
                name: $0.key, value: $0.value.values.map(SafeText.escaped).joined(separator: ", "),
                origin: $0.value.origin)
        }
    }

    /// The option itself if it was typed; otherwise the file that sets it.
    private static func origin(_ option: String) -> String {
        let isTyped = CommandLine.arguments.contains { $0 == option || $0.hasPrefix(option + "=") }
        return isTyped ? option : ConfigurationLoader.current.values[String(option.dropFirst(2))]?.origin ?? option
    }

    private static func setting(
        _ name: String, flag: (name: String, value: String?), variable: (name: String, value: String?)?,
        default standard: String
    ) -> DoctorReport.Setting {
        let (value, origin) =
            if let value = flag.value {
                (value, origin(flag.name))
            } else if let variable, let value = variable.value {
                (value, "$\(variable.name)")
            } else {
                (standard, "default")
            }
        return DoctorReport.Setting(name: name, value: shown(name, value), origin: origin)
    }

    /// Hides everything before the `@` of a URL, which may be a password by mistake.
    private static func shown(_ name: String, _ value: String) -> String {
        guard name == "base URL", let at = value.lastIndex(of: "@") else { return SafeText.escaped(value) }
        return "…" + SafeText.escaped(String(value[at...]))
    }

    /// The fingerprints of the keys. A key itself is never shown.
    private static func keys(_ options: ProviderOptions, _ environment: [String: String]) -> [DoctorReport.Setting] {
        let configuration: ProviderConfiguration
        do {
            configuration = try options.configuration()
        } catch {
            // ProviderCheck reports the reason.
            return [DoctorReport.Setting(name: "API key", value: "none", origin: "-")]
        }
        return configuration.keys.enumerated().map { index, key in
            let origin: String
            if index < options.apiKeyFile.count {
                origin = "\(Self.origin("--api-key-file")) \(SafeText.escaped(options.apiKeyFile[index]))"
            } else if !(environment[ProviderOptions.keyName] ?? "").isEmpty {
                origin = "$\(ProviderOptions.keyName)"
            } else {
                origin = ConfigurationLoader.current.values[OptionRule.keyCommand]?.origin ?? "default"
            }
            let models = key.modelPrefix.isEmpty ? "" : " for models \(SafeText.escaped(key.modelPrefix))…"
            return DoctorReport.Setting(
                name: "API key", value: "fingerprint \(key.key.fingerprint)\(models)", origin: origin)
        }
    }
}

/// Defaults of `run` that `doctor` also shows.
enum RunOptionsDefaults {
    static let output = "renders"
}
