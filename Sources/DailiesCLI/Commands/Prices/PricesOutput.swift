import DailiesCore
import DailiesStore

/// The output of `prices`, as tables or JSON.
enum PricesOutput {
    static func name(of service: Service) -> String {
        "\(SafeText.escaped(service.provider)) at \(SafeText.escaped(service.baseURL))"
    }

    static func text(_ known: [KnownPrices]) -> String { known.map(text).joined(separator: "\n\n") }

    private static func text(_ known: KnownPrices) -> String {
        var table = TextTable(
            [
                "model", "size", "published", "your rate", "bills", "lowest", "median", "highest", "outliers", "latest",
                "estimates",
            ], rightAligned: Set(2...8))
        for line in known.lines { table.add(cells(line)) }
        return name(of: known.service) + "\n" + table.text
            + "\npublished prices as of \(SafeText.escaped(known.compiled)); all prices in credits per second of output"
    }

    private static func cells(_ line: KnownPrices.Line) -> [String] {
        let rate = line.rate.map { entry in
            "\(entry.rate.perSecond)" + (entry.rate.fee > .zero ? " + \(entry.rate.fee) per clip" : "")
        }
        let bills = line.bills
        let outliers = bills.map { $0.outliers.map(\.description).joined(separator: ", ") } ?? ""
        return [
            SafeText.escaped(line.kind.model.text), SafeText.escaped(line.kind.resolution ?? "-"),
            line.published.map(range) ?? "-", rate ?? "-", bills.map { "\($0.bills)" } ?? "-",
            bills?.range.map { "\($0.lowerBound)" } ?? "-", bills.map { "\($0.median)" } ?? "-",
            bills?.range.map { "\($0.upperBound)" } ?? "-", outliers.isEmpty ? "-" : outliers,
            line.settledAt.map(Composition.Calendar.day) ?? "-", line.trustsEstimates ? "trusted" : "-",
        ]
    }

    private static func range(_ range: ClosedRange<Credits>) -> String {
        range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound) – \(range.upperBound)"
    }

    static func forgotten(_ kind: PriceKind, at service: Service) -> String {
        "forgot the bills of \(SafeText.escaped(kind.description)) at \(name(of: service)); bills of clips submitted "
            + "from now on count"
    }

    // MARK: JSON

    static func json(_ known: [KnownPrices]) -> JSONObject {
        let services = known.map { known in
            json(known.service) + ["prices": known.lines.map { json($0, compiled: known.compiled) }]
        }
        return ["services": services]
    }

    static func json(_ forgotten: [PriceKind], at service: Service) -> JSONObject {
        json(service) + ["forgotten": forgotten.map(json)]
    }

    private static func json(_ service: Service) -> JSONObject {
        ["provider": service.provider, "base_url": service.baseURL]
    }

    private static func json(_ kind: PriceKind) -> JSONObject {
        ["model": kind.model.text, "resolution": kind.resolution]
    }

    /// Amounts are credits per second of output.
    private static func json(_ line: KnownPrices.Line, compiled: String) -> JSONObject {
        let published = line.published.map { published -> JSONObject in
            [
                "lowest": published.lowerBound, "highest": published.upperBound, "source": line.publishedBy,
                "date": compiled,
            ]
        }
        let rate = line.rate.map { entry -> JSONObject in
            [
                "per_second": entry.rate.perSecond, "fee": entry.rate.fee, "source": entry.source, "date": entry.date,
            ]
        }
        let bills = line.bills.map { bills -> JSONObject in
            [
                "count": bills.bills, "lowest": bills.range?.lowerBound, "median": bills.median,
                "highest": bills.range?.upperBound, "highest_quote": bills.highestQuote, "outliers": bills.outliers,
                "settled_at": line.settledAt,
            ]
        }
        return json(line.kind) + [
            "published": published, "rate": rate, "bills": bills, "trusts_estimates": line.trustsEstimates,
        ]
    }
}
