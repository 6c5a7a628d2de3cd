import DailiesCore

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

    static func json(_ report: DoctorReport) -> JSONObject {
        let settings = report.settings.map { setting -> JSONObject in
            ["name": setting.name, "value": setting.value, "from": setting.origin]
        }
        let checks = report.checks.map { check -> JSONObject in
            ["name": check.name, "level": check.level.rawValue, "message": check.message]
        }
        return ["settings": settings, "checks": checks, "exit_code": report.code]
    }
}
