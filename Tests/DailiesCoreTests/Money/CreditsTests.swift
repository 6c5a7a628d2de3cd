import Testing

@testable import DailiesCore

@Suite struct CreditsTests {
    @Test(arguments: [
        ("0", 0), ("1", 1_000_000_000), ("1.85", 1_850_000_000), ("0.000000001", 1), ("+2", 2_000_000_000),
        ("1e3", 1_000_000_000_000), ("1E-9", 1), ("12.5e+1", 125_000_000_000), ("0e1000", 0), (".5", 500_000_000),
        ("5.", 5_000_000_000), ("007", 7_000_000_000), ("0.1", 100_000_000),
        ("9223372036.854775807", Int64.max),
    ])
    func `a decimal is parsed exactly`(text: String, nano: Int64) {
        let reading = Credits.read(text)
        #expect(reading?.credits.nano == nano && reading?.isRounded == false)
    }

    @Test(arguments: [
        ("0.0000000004", 0), ("0.0000000005", 1), ("0.00000000149", 1), ("1.9999999999", 2_000_000_000),
        ("1e-10", 0), ("5e-10", 1), ("99e-11", 1), ("1e-1000", 0), ("9223372036.8547758074", Int64.max),
    ])
    func `more than nine decimals round to the nearest billionth, halves up, and are flagged`(text: String, nano: Int64)
    {
        let reading = Credits.read(text)
        #expect(reading?.credits.nano == nano && reading?.isRounded == true)
    }

    @Test func `zeros beyond nine decimals are not a rounding`() {
        #expect(Credits.read("1.500000000000000")?.isRounded == false)
        #expect(Credits.read("0.0000000000000")?.isRounded == false)
    }

    @Test(arguments: [
        "", " ", "-1", "-0.1", "1,5", "1 ", " 1", "abc", ".", "+", "1e", "1e1.5", "e5", "0x10", "NaN", "inf", "1_000",
        "１",
        "1.2.3", "++1", "9223372036.854775808", "9223372036.8547758075", "1e10", "1e1000", "1e1001", "1e99999999999",
        String(repeating: "0", count: 101),
    ])
    func `other texts, negative amounts and amounts out of range are refused`(text: String) {
        #expect(Credits.read(text) == nil)
    }

    @Test func `an amount is printed with as many decimals as needed`() {
        #expect(Credits(nano: 1_850_000_000).description == "1.85")
        #expect(Credits(nano: 3_000_000_000).description == "3")
        #expect(Credits(nano: 1).description == "0.000000001")
        #expect(Credits(nano: .max).description == "9223372036.854775807")
        #expect(Credits(nano: -500_000_000).description == "-0.5")
        #expect(Credits(nano: .min).description == "-9223372036.854775808")
        #expect(CreditTotal(whole: 12, billionths: 1_500_000_000).description == "13.5")
        #expect(CreditTotal(whole: 1, billionths: -1).description == "0.999999999")
        #expect(CreditTotal.zero.description == "0")
    }

    @Test func `a tenth plus two tenths is three tenths`() throws {
        let parts = try ["0.1", "0.2"].map { try #require(Credits.read($0)?.credits) }
        #expect(CreditTotal(parts[0]) + parts[1] == CreditTotal(try #require(Credits.read("0.3")?.credits)))
        #expect(parts[0].adding(parts[1]).description == "0.3")
    }

    @Test func `a sum of more than a credit can hold is exact`() {
        var total = CreditTotal.zero
        for _ in 0..<10 { total += CreditTotal(Credits(nano: .max)) }
        #expect(total.description == "92233720368.54775807")
        for _ in 0..<10 { total -= CreditTotal(Credits(nano: .max)) }
        #expect(total == .zero)
    }

    @Test func `a product rounds up and clamps only beyond the range`() {
        #expect(Credits(nano: 1).times(hundredths: 110) == Credits(nano: 2))
        #expect(Credits(nano: 100).times(hundredths: 110) == Credits(nano: 110))
        #expect(Credits(nano: 0).times(hundredths: 150) == .zero)
        #expect(Credits(nano: 900_000_000_000_000_000).times(hundredths: 110).nano == 990_000_000_000_000_000)
        #expect(Credits(nano: .max).times(hundredths: 100) == Credits(nano: .max))
        #expect(Credits(nano: .max).times(hundredths: 101) == Credits(nano: .max))
        #expect(Credits(nano: .max).times(hundredths: .max) == Credits(nano: .max))
        #expect(Credits(nano: .max).adding(Credits(nano: 1)) == Credits(nano: .max))
    }

    // MARK: against a model

    /// Decimal digits, least significant first: independent of ``Credits``.
    private func nanoByHand(_ text: String) -> (digits: [Int], isRounded: Bool) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1].compactMap(\.wholeNumberValue) : []
        var digits = Array(
            (parts[0].compactMap(\.wholeNumberValue) + (fraction + Array(repeating: 0, count: 9)).prefix(9)).reversed())
        let rest = fraction.dropFirst(9)
        if let first = rest.first, first >= 5 {
            var place = 0
            while place < digits.count, digits[place] == 9 {
                digits[place] = 0
                place += 1
            }
            if place == digits.count { digits.append(1) } else { digits[place] += 1 }
        }
        while digits.count > 1, digits.last == 0 { digits.removeLast() }
        return (digits, rest.contains { $0 != 0 })
    }

    @Test func `random decimals match long-hand arithmetic`() throws {
        var random = SplitMix64(seed: 20_261_123)
        for round in 0..<3000 {
            let whole = String(
                Int64.random(in: 0...9_223_372_035, using: &random) >> Int64.random(in: 0...33, using: &random))
            let decimals = Int.random(in: 0...14, using: &random)
            let fraction = (0..<decimals).map { _ in "0123456789".randomElement(using: &random) ?? "0" }
            let text = decimals == 0 ? whole : whole + "." + String(fraction)
            let model = nanoByHand(text)
            let reading = try #require(Credits.read(text), "round \(round): \(text)")
            #expect(
                String(reading.credits.nano) == model.digits.reversed().map(String.init).joined(), "\(round): \(text)")
            #expect(reading.isRounded == model.isRounded, "round \(round): \(text)")
        }
    }

    @Test func `every amount parses back to itself, also with an exponent`() throws {
        var random = SplitMix64(seed: 7)
        for round in 0..<3000 {
            let credits = Credits(
                nano: Int64.random(in: 0...Int64.max, using: &random) >> Int64.random(in: 0...62, using: &random))
            let back = try #require(Credits.read(credits.description), "round \(round): \(credits)")
            #expect(back.credits == credits && !back.isRounded, "round \(round): \(credits)")
            #expect(Credits.read("\(credits.nano)e-9")?.credits == credits, "round \(round): \(credits)")
        }
    }

    @Test func `random sums and differences match 128-bit arithmetic`() {
        var random = SplitMix64(seed: 11)
        var total = CreditTotal.zero
        var model: Int128 = 0
        for round in 0..<5000 {
            let nano = Int64.random(in: 0...Int64.max, using: &random) >> Int64.random(in: 0...40, using: &random)
            let earlier = total
            let earlierModel = model
            if Bool.random(using: &random) {
                total += CreditTotal(Credits(nano: nano))
                model += Int128(nano)
            } else {
                total -= CreditTotal(Credits(nano: nano))
                model -= Int128(nano)
            }
            #expect(Int128(total.whole) * 1_000_000_000 + Int128(total.billionths) == model, "round \(round)")
            #expect((0..<1_000_000_000).contains(total.billionths) && (total < earlier) == (model < earlierModel))
        }
    }
}
