import DailiesCore
import NIOConcurrencyHelpers
import ProviderWire

/// Selects the form of queries by `task_id` that the service supports.
///
/// The documentation is inconsistent (GET with a query string, POST with a body). Queries have no side effects, so if
/// the dialect's form looks like a wrong route, the other is tried, and the one that works is used for the run.
final class QueryFormSelector: Sendable {
    enum Form: Hashable, Sendable {
        case get
        case post

        var other: Form { self == .get ? .post : .get }
    }

    private struct State {
        var form: Form
        var isProven = false
        var trialsLeft = QueryFormSelector.maximumTrials
    }

    /// Maximum tries of the other form: an outage of the service may look the same.
    private static let maximumTrials = 3

    private let state: NIOLockedValueBox<State>

    init(_ dialect: Dialect) {
        let form: Form =
            switch dialect {
            case .flat: .get
            case .params: .post
            }
        state = NIOLockedValueBox(State(form: form))
    }

    var form: Form { state.withLockedValue { $0.form } }

    /// The form to try after `form` returned `answer`; nil if the answer is final.
    func retry(after form: Form, _ answer: QueryResult) -> Form? {
        if Self.proves(answer) {
            remember(form)
            return nil
        }
        guard Self.looksLikeWrongRoute(answer) else { return nil }
        return state.withLockedValue { state in
            guard !state.isProven, state.trialsLeft > 0 else { return nil }
            state.trialsLeft -= 1
            return form.other
        }
    }

    /// Selects between the answers of both forms. The second is used only if it proves that its form works.
    func settle(first: QueryResult, second: QueryResult, form: Form) -> QueryResult {
        guard Self.proves(second) else { return first }
        remember(form)
        return second
    }

    private func remember(_ form: Form) {
        state.withLockedValue { state in
            guard !state.isProven else { return }
            state.form = form
            state.isProven = true
        }
    }

    private static func proves(_ answer: QueryResult) -> Bool {
        switch answer {
        case .found: true
        case .notFound(let fault): fault.code == ErrorCode.taskNotFound
        case .stopped, .fault: false
        }
    }

    private static func looksLikeWrongRoute(_ answer: QueryResult) -> Bool {
        switch answer {
        case .found, .stopped: false
        case .notFound(let fault): fault.code != ErrorCode.taskNotFound
        case .fault(let fault): fault.status == 404 || fault.status == 405
        }
    }
}
