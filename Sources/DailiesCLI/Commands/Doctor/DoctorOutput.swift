import DailiesCore
import ExactJSON

/// An examination for people and for programs.
enum DoctorOutput {
    static func text(_ examination: DoctorReport) -> String {
        var settings = TextTable(["  setting", "value", "from"], rightAligned: [])
        for setting in examination.settings { settings.add(["  " + setting.name, setting.value, setting.origin]) }
        var checks = TextTable(["  check", "", ""], rightAligned: [])
        for check in examination.checks { checks.add(["  " + check.name, word(for: check.level), check.words]) }
        return [settings.text, "", checks.text, "", verdict(examination)].joined(separator: "\n")
    }

    private static func word(for level: DoctorReport.Level) -> String {
        switch level {
        case .ok: "ok"
        case .warning: "look"
        case .problem: "WRONG"
        case .skipped: "skipped"
        }
    }

    private static func verdict(_ examination: DoctorReport) -> String {
        let problems = examination.checks.filter { $0.level == .problem }.count
        let warnings = examination.checks.filter { $0.level == .warning }.count
        if problems > 0 { return "\(TaskDescription.count(problems, "thing")) \(problems == 1 ? "is" : "are") wrong" }
        return warnings > 0 ? "all is well but for what to look at" : "all is well"
    }

    static func json(_ examination: DoctorReport) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.name("settings")
            writer.array { array in
                for setting in examination.settings {
                    array.object { writer in
                        writer.member("name", setting.name)
                        writer.member("value", setting.value)
                        writer.member("from", setting.origin)
                    }
                }
            }
            writer.name("checks")
            writer.array { array in
                for check in examination.checks {
                    array.object { writer in
                        writer.member("name", check.name)
                        writer.member("level", check.level.rawValue)
                        writer.member("message", check.words)
                    }
                }
            }
            writer.member("exit_code", Int(examination.code.rawValue))
        }
        return writer.text
    }
}
