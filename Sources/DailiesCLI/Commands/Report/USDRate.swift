import ArgumentParser
import DailiesCore
import Foundation

/// The price of a credit in US dollars, given by the user. There is no default.
struct USDRate: ExpressibleByArgument, Sendable {
    private let rate: Decimal
    /// The rate as a decimal number.
    let text: String

    init?(argument: String) {
        guard let reading = Credits.read(argument), !reading.isRounded, reading.credits > .zero,
            let rate = Decimal(string: reading.credits.description, locale: Self.plain)
        else { return nil }
        self.rate = rate
        text = reading.credits.description
    }

    private static let plain = Locale(identifier: "en_US_POSIX")

    /// Not rounded.
    func exact(_ total: CreditTotal) -> String {
        (product(total) as NSDecimalNumber).description(withLocale: Self.plain)
    }

    /// Rounded to cents.
    func cents(_ total: CreditTotal) -> String {
        var (product, rounded) = (product(total), Decimal())
        NSDecimalRound(&rounded, &product, 2, .plain)
        let text = (rounded as NSDecimalNumber).description(withLocale: Self.plain)
        guard let point = text.firstIndex(of: ".") else { return text + ".00" }
        return text.distance(from: point, to: text.endIndex) == 2 ? text + "0" : text
    }

    private func product(_ total: CreditTotal) -> Decimal {
        (Decimal(total.whole) + Decimal(total.billionths) / Decimal(1_000_000_000)) * rate
    }
}
