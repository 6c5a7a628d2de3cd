import DailiesKit
import Foundation

/// A whole program around the library: renders a manifest, prints what happens, and returns what it cost. Called again
/// after a crash at any moment, it continues and pays for nothing twice.
func renderTonight(_ manifest: URL, store: URL, key: String, baseURL: String) async throws -> CreditTotal {
    let run = try await Dailies.start(
        manifest: manifest, store: store, provider: .byteSpike(apiKey: key, baseURL: baseURL), budget: 50)
    for await case .saved(let task, let path) in run.events { print("\(task.key): \(path)") }
    let report = try await run.report()
    if report.result.budgetReached { print("the budget is spent") }
    return report.spend.total.charged
}
