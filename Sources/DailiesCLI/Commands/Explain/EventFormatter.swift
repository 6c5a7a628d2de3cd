import DailiesCore
import DailiesStore
import ExactJSON

/// Rows of the log for people and for programs.
enum EventFormatter {
    static func line(_ event: EventRow) -> String {
        let attempt = event.attempt.map { "#\($0)" } ?? "  "
        // A row for one more amount of the same moment says nothing but the amount.
        let words = event.kind == "amount" ? [amount(event) ?? "amount"] : [words(for: event), amount(event) ?? ""]
        let text = words.filter { !$0.isEmpty }.joined(separator: "; ")
        return "\(Composition.Calendar.timestamp(event.at))  \(attempt)  \(text)"
    }

    private static func words(for event: EventRow) -> String {
        let message = SafeText.escaped(event.message ?? "")
        let why = [event.code.map(SafeText.escaped), event.message == nil ? nil : message]
            .compactMap { $0 }.joined(separator: ": ")
        let because = why.isEmpty ? "" : " (\(why))"
        let source = event.source.map { ", \(said(by: $0))" } ?? ""
        return switch event.kind {
        case "intent": "sent under the submission key \(message)"
        case "repeated": "sent once more, the same bytes"
        case "not_accepted": "not accepted\(because)"
        case "uncertain": "fate unknown\(because)"
        case "accepted": "accepted as \(message)\(source)"
        case "running": "renders"
        case "completed", "failed", "cancelled": "\(event.kind)\(because)\(source)"
        case "withdrawn": "cancelled before it was sent\(because)\(source)"
        case "retried": "wanted again\(source)"
        case "cancel_wanted": "to be cancelled while that is free\(guardWords(event))"
        case "waits_again": "waits again\(guardWords(event))"
        case "reservation_raised": "more is held for it"
        case "reseeded": "has the seed \(message) from now on\(source)"
        case "saved": "saved as \(message)"
        case "clip_gone": "its clip was not at \(message) any more"
        case "odd_clip": message
        case "lost": "not known to the provider any more\(because)"
        case "found": "known to the provider again"
        case "unresolved": "past its poll window"
        case "asset_found": "its clip has an address"
        case "no_asset": "completed without an address of its clip"
        case "unverified": "may be cut, since nobody says how long its clip is; kept as \(message)"
        case "cost_learned": "its cost became known\(source)"
        case "cost_unknown": "its cost stays unknown"
        case "handed_over": "handed over from the API key \(message)\(source)"
        case "asked": "asked \(message)"
        default: SafeText.escaped(event.kind) + because
        }
    }

    private static func guardWords(_ event: EventRow) -> String {
        event.code.flatMap(CancelReason.init).map { ": \(TaskDescription.because($0))" } ?? ""
    }

    private static func said(by source: String) -> String {
        switch source {
        case "reply": "by the provider's reply"
        case "query": "found by asking"
        case "replayed": "rendered before"
        case "adopted": "by the user's word, and known to the provider"
        case "user": "by the user's word"
        case "rule:new_seed": "by a retry rule"
        case "rule:not_billed": "not billed by rule"
        default: SafeText.escaped(source)
        }
    }

    /// `charged 3.70 credits`: the text as the provider wrote it.
    private static func amount(_ event: EventRow) -> String? {
        guard let kind = event.amountKind, let amount = event.amount else { return nil }
        return "\(SafeText.escaped(kind)) \(SafeText.escaped(event.amountText ?? "\(amount)")) credits"
    }

    static func write(_ event: EventRow, to writer: inout JSONWriter) {
        writer.member("at", time: event.at)
        writer.member("attempt", optional: event.attempt)
        writer.member("kind", event.kind)
        writer.member("from_state", optional: event.from?.rawValue)
        writer.member("to_state", optional: event.to?.rawValue)
        writer.member("amount_kind", optional: event.amountKind)
        writer.member("amount", credits: event.amount)
        writer.member("amount_text", optional: event.amountText)
        writer.member("amount_field", optional: event.amountField)
        writer.member("source", optional: event.source)
        writer.member("code", optional: event.code)
        writer.member("message", optional: event.message)
    }
}

extension JSONWriter {
    /// A whole number, or null.
    mutating func member(_ name: String, optional number: (some BinaryInteger)?) {
        if let number { member(name, number) } else { nullMember(name) }
    }
}
