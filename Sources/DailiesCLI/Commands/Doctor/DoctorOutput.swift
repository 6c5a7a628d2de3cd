import DailiesCore
import ExactJSON

/// The output of `doctor`, as tables or JSON.
enum DoctorOutput {
    static func text(_ report: DoctorReport) -> String {
        var settings = TextTable(["  setting", "value", "from"], rightAligned: [])
        for setting in report.settings { settings.add(["  " + setting.name, setting.value, setting.origin]) }
        var checks = TextTable(["  check", "", ""], rightAligned: [])
        for check in report.checks { checks.add(["  " + check.name, check.level.rawValue, check.message]) }
        return [settings.text, "", checks.text, "", verdict(report)].joined(separator: "\n")
    }

    private static func verdict(_ report: DoctorReport) -> String {
        let problems = report.checks.filter { $0.level == .problem }.count
        let warnings = report.checks.filter { $0.level == .warning }.count
        if problems > 0 { return "\(TaskDescription.count(problems, "problem")) found" }
        return warnings > 0 ? "OK, with warnings" : "OK"
    }

    static func json(_ report: DoctorReport) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.name("settings")
            writer.array { array in
                for setting in report.settings {
                    array.object { writer in
                        writer.member("name", setting.name)
                        writer.member("value", setting.value)
                        writer.member("from", setting.origin)
                    }
                }
            }
            writer.name("checks")
            writer.array { array in
                for check in report.checks {
                    array.object { writer in
                        writer.member("name", check.name)
                        writer.member("level", check.level.rawValue)
                        writer.member("message", check.message)
                    }
                }
            }
            writer.member("exit_code", Int(report.code.rawValue))
        }
        return writer.text
    }
}
