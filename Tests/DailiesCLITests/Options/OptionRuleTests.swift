import DailiesCore
import DailiesManifest
import Testing

@testable import DailiesCLI

/// Rules for configuration files, compared with the existing options.
struct OptionRuleTests {
    private func options(of command: String) throws -> Set<String> {
        let program = try CommandDefinition.program()
        let found = try #require(program.commands.first { $0.name == command })
        return Set(found.options.flatMap(\.names).filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) })
    }

    @Test(arguments: ["run", "resume", "rehearse"])
    func `every option of a render command has a rule`(_ command: String) throws {
        let unruled = try options(of: command).filter { OptionRule[$0] == nil }
        #expect(unruled.sorted() == [], "add them to OptionRule.all")
    }

    @Test func `every rule is for an existing option or for the key command`() throws {
        let options = Set(try CommandDefinition.program().commands.flatMap(\.options).flatMap(\.names))
        #expect(OptionRule.all.map(\.name).filter { !options.contains("--" + $0) } == [OptionRule.keyCommand])
    }

    @Test func `a rule and its option agree on whether it is a flag`() throws {
        let all = try CommandDefinition.program().commands.flatMap(\.options)
        for rule in OptionRule.all {
            for option in all where option.names.contains("--" + rule.name) && rule.name != "version" {
                #expect(option.isFlag == (rule.form == .flag), "\(rule.name)")
            }
        }
    }

    @Test func `every planned option exists in both plan and run`() throws {
        let planned = Set(OptionRule.all.filter(\.isPlanned).map(\.name))
        #expect(try planned.subtracting(options(of: "plan")).sorted() == [])
        #expect(try planned.subtracting(options(of: "run")).sorted() == [])
    }

    // MARK: Tightening

    private func values(_ texts: [String]) -> [ConfigurationFile.Value] {
        texts.map { ConfigurationFile.Value(text: $0, line: 1, column: 1) }
    }

    private func guarded(_ name: String) throws -> OptionLimit {
        guard case .tighter(let guarded) = try #require(OptionRule[name]).files else {
            throw Stop(.unexpected, "\(name) may not stand in a folder's file")
        }
        return guarded
    }

    @Test(
        arguments: [
            ("retries", [], ["0"], [], []), ("retries", ["3"], ["1"], ["1"], ["1"]),
            ("quote-tolerance", [], ["5"], ["5"], ["5"]), ("quote-tolerance", ["50"], ["20"], ["20"], ["20"]),
            ("accept-quote", [], ["false"], [], []), ("accept-quote", ["true"], ["false"], ["false"], ["false"]),
            ("concurrency", [], ["3", "model:veo-3.1=9"], ["3", "model:veo-3.1=9"], ["3", "model:veo-3.1=9"]),
            (
                "concurrency", ["25", "model:veo-3.1=9"], ["model:veo-3.1=2"], ["25", "model:veo-3.1=2"],
                ["model:veo-3.1=2"]
            ),
            ("concurrency", [], ["5"], [], []),
            // If only the folder's file sets it, a stored budget can be lowered but never raised.
            ("budget", [], ["5", "tag:a=b=c=2"], ["at-most:5", "at-most:tag:a=b=c=2"], ["5", "tag:a=b=c=2"]),
            ("budget", ["9", "tag:a=b=1"], ["5"], ["5", "tag:a=b=1"], ["5"]),
            ("budget", ["9"], ["9.0"], ["9"], []),
            ("budget-mode", ["soft"], ["hard"], ["hard"], ["hard"]), ("budget-mode", [], ["cautious"], [], []),
            ("canary", [], ["3"], ["3"], ["3"]), ("canary-success-rate", [], ["95"], ["95"], ["95"]),
            ("pause-after-rejections", ["0"], ["20"], ["20"], ["20"]),
            ("rate", ["2/s"], ["30/min"], ["30/min"], ["30/min"]),
        ] as [(String, [String], [String], [String], [String])])
    func `a stricter value of the folder's file applies`(
        _ name: String, _ own: [String], _ folder: [String], _ values: [String], _ changes: [String]
    ) throws {
        let tightened = try guarded(name).tightened(own, by: self.values(folder))
        #expect(tightened.values == values)
        #expect(tightened.changes == changes)
    }

    @Test(
        arguments: [
            ("retries", [], ["1"], "0"), ("retries", ["3"], ["4"], "3"), ("quote-tolerance", [], ["11"], "10"),
            ("accept-quote", [], ["true"], "false"), ("trust-5xx", [], ["true"], "false"),
            ("no-download", [], ["true"], "false"), ("concurrency", [], ["6"], "5"), ("concurrency", ["3"], ["4"], "3"),
            ("concurrency", ["model:a=2"], ["model:a=3"], "model:a=2"), ("budget", [], ["none"], nil),
            ("budget", ["5"], ["none"], "5"), ("budget", ["5"], ["5.000000001"], "5"),
            ("budget", [], ["tag:a=b=none"], nil), ("budget", [], ["5", "6"], "at-most:5"),
            ("budget-mode", [], ["soft"], "cautious"), ("canary-success-rate", [], ["79"], "80"),
            ("pause-after-rejections", [], ["0"], "10"), ("pause-after-rejections", [], ["11"], "10"),
            ("rate", ["30/min"], ["1/s"], "30/min"), ("canary-max-credits", ["4"], ["5"], "4"),
        ] as [(String, [String], [String], String?)])
    func `a looser value of the folder's file is refused`(
        _ name: String, _ own: [String], _ folder: [String], _ limit: String?
    ) throws {
        do {
            let tightened = try guarded(name).tightened(own, by: values(folder))
            Issue.record("it became \(tightened.values)")
        } catch OptionLimit.Refusal.looser(let value, let than) {
            #expect(value.text == folder.last && than == limit)
        }
    }

    @Test(arguments: ["x", "", "-", "5 ", "٣"])
    func `an invalid value is refused for every option`(_ text: String) throws {
        for rule in OptionRule.all {
            guard case .tighter(let guarded) = rule.files else { continue }
            #expect(throws: OptionLimit.Refusal.self, "\(rule.name)") { try guarded.tightened([], by: values([text])) }
        }
    }

    @Test func `the folder's file never makes a guard looser than the user's file alone`() throws {
        let pools: [String: [String]] = [
            "budget": [
                "none", "0", "1", "2.5", "400", "tag:a=b=1", "tag:a=b=3", "tag:a=b=none", "tag:\u{E9}=b=1",
                "tag:e\u{301}=b=2",
            ],
            "concurrency": ["1", "5", "9", "1000000", "model:a=1", "model:a=7", "model:b=2"],
            "budget-mode": ["cautious", "soft", "hard"], "retries": ["0", "1", "100"],
            "pause-after-rejections": ["0", "1", "10", "11"], "accept-quote": ["true", "false"],
            "rate": ["1/s", "60/min", "1/h"], "canary": ["1", "100"], "canary-success-rate": ["0", "80", "100"],
        ]
        var random = SplitMix64(seed: 7)
        for (name, pool) in pools.sorted(by: { $0.key < $1.key }) {
            let guarded = try guarded(name)
            for _ in 0..<500 {
                let own = Array(pool.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random)))
                let folder = Array(pool.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random)))
                guard Set(own.compactMap { guarded.measure($0)?.scope }).count == own.count,
                    let both = try? guarded.tightened(own, by: values(folder)).values  // Refusals are the other tests'.
                else { continue }
                for text in own + [guarded.standard].compactMap({ $0 }) {
                    let scope = try #require(guarded.measure(text)).scope
                    func allowed(_ values: [String]) -> Int64 {
                        (values + [guarded.standard].compactMap { $0 }).lazy.compactMap(guarded.measure)
                            .first { $0.scope == scope }?.allows ?? .max
                    }
                    #expect(allowed(both) <= allowed(own), "\(name): \(own) with \(folder) became \(both)")
                }
            }
        }
    }

    // MARK: Budgets

    @Test(arguments: ["5", "none", "at-most:5", "tag:a=b=c=5", "tag:a=b=none", "at-most:tag:a=b=0.25"])
    func `a budget argument is written unchanged`(_ text: String) {
        #expect(BudgetArgument(argument: text)?.description == text)
    }

    @Test(arguments: [
        "", "at-most:", "at-most:none", "at-most:at-most:5", "tag:a=5", "tag:=b=5", "-1", "at-most:tag:a=b=none",
    ])
    func `an invalid budget is not parsed`(_ text: String) { #expect(BudgetArgument(argument: text) == nil) }
}
