import DailiesCore
import DailiesStore

/// Log events as text and as JSON.
enum EventFormatter {
    static func line(_ event: EventRow) -> String {
        let attempt = event.attempt.map { "#\($0)" } ?? "  "
        // An additional amount of the same event is printed alone.
        let words =
            event.kind == "amount" ? [amount(event) ?? "amount"] : [description(of: event), amount(event) ?? ""]
        let text = words.filter { !$0.isEmpty }.joined(separator: "; ")
        return "\(Composition.Calendar.timestamp(event.at))  \(attempt)  \(text)"
    }

    private static func description(of event: EventRow) -> String {
        let message = SafeText.escaped(event.message ?? "")
        let why = [event.code.map(SafeText.escaped), event.message == nil ? nil : message]
            .compactMap { $0 }.joined(separator: ": ")
        let explanation = why.isEmpty ? "" : " (\(why))"
        let source = event.source.map { ", \(text(for: $0))" } ?? ""
        return switch event.kind {
        case "intent": "sent with submission key \(message)"
        case "repeated": "resent unchanged"
        case "not_accepted": "not accepted\(explanation)"
        case "uncertain": "outcome unknown\(explanation)"
        case "accepted": "accepted as \(message)\(source)"
        case "running": "rendering"
        case "completed", "failed", "cancelled": "\(event.kind)\(explanation)\(source)"
        case "withdrawn": "cancelled before it was sent\(explanation)\(source)"
        case "retried": "retried\(source)"
        case "cancel_wanted": "cancellation requested while it is free\(guardReason(event))"
        case "waits_again": "waits again\(guardReason(event))"
        case "reservation_raised": "reservation raised"
        case "reseeded": "seed changed to \(message)\(source)"
        case "saved": "saved as \(message)"
        case "clip_gone": "its clip was no longer at \(message)"
        case "odd_clip": message
        case "lost": "no longer known to the provider\(explanation)"
        case "found": "known to the provider again"
        case "unresolved": "past its polling window"
        case "asset_found": "clip URL received"
        case "no_asset": "completed without a clip URL"
        case "unverified": "clip length unknown, so it may be truncated; kept as \(message)"
        case "cost_learned": "cost recorded\(source)"
        case "cost_unknown": "cost still unknown"
        case "handed_over": "transferred from the API key \(message)\(source)"
        case "asked": "looked up \(message)"
        default: SafeText.escaped(event.kind) + explanation
        }
    }

    private static func guardReason(_ event: EventRow) -> String {
        event.code.flatMap(CancelReason.init).map { ": \(TaskDescription.explanation(of: $0))" } ?? ""
    }

    private static func text(for source: String) -> String {
        switch source {
        case "reply": "reported by the provider"
        case "query": "found by lookup"
        case "replayed": "rendered earlier"
        case "adopted": "adopted by the user and confirmed by the provider"
        case "user": "requested by the user"
        case "rule:new_seed": "by a retry rule"
        case "rule:not_billed": "not billed by rule"
        default: SafeText.escaped(source)
        }
    }

    /// `charged 3.70 credits`, with the amount as the provider wrote it.
    private static func amount(_ event: EventRow) -> String? {
        guard let kind = event.amountKind, let amount = event.amount else { return nil }
        return "\(SafeText.escaped(kind)) \(SafeText.escaped(event.amountText ?? "\(amount)")) credits"
    }

    static func json(_ event: EventRow) -> JSONObject {
        [
            "at": event.at,
            "attempt": event.attempt,
            "kind": event.kind,
            "from_state": event.from?.rawValue,
            "to_state": event.to?.rawValue,
            "amount_kind": event.amountKind,
            "amount": event.amount,
            "amount_text": event.amountText,
            "amount_field": event.amountField,
            "source": event.source,
            "code": event.code,
            "message": event.message,
        ]
    }
}
