import Crypto
import DailiesCore
import DailiesStore
import Foundation

/// Prepares the submissions of tasks for the scheduler: key and bytes. Only used on the runner's queue, within the
/// scheduler's decisions.
final class SubmissionFactory: @unchecked Sendable {
    // Unchecked because every `var` is accessed only on the runner's queue.

    private let store: Store
    private let provider: any RenderProvider
    /// The names of all batches with waiting tasks; part of the keys.
    var batchNames: [BatchID: String] = [:]
    /// The last image is cached, since consecutive tasks often share it.
    private var lastImage: (digest: String, dataURL: String)?
    /// Why a submission could not be prepared, which ends the run; nil: none failed.
    private(set) var error: String?

    init(store: Store, provider: any RenderProvider) {
        self.store = store
        self.provider = provider
    }

    /// nil if its image cannot be read; see ``error``.
    func submission(of task: WaitingTask, account: KeyFingerprint) -> Submission? {
        guard let batchName = batchNames[task.batch] else {
            preconditionFailure("task \(task.id) is submitted without a batch")
        }
        guard let request = withImage(task.request) else { return nil }
        let preimage = SubmissionKey.preimage(
            batchName: batchName, task: task.key, attempt: task.attempt, request: task.request)
        let key = SubmissionKey(digest: SHA256.hash(data: Data(preimage)))
        return Submission(
            attempt: AttemptID(task: task.id, number: task.attempt), key: key, model: task.shape.model,
            dialect: provider.dialect, account: account, body: provider.body(for: request, key: key))
    }

    /// Replaces the image's name by the image.
    private func withImage(_ request: CanonicalRequest) -> CanonicalRequest? {
        guard let digest = request.imageDigest else { return request }
        if let lastImage, lastImage.digest == digest { return request.with(imageAs: lastImage.dataURL) }
        do throws(StoreError) {
            guard let dataURL = try store.dataURL(ofImage: digest) else {
                error = "the image \(SafeText.cut(digest)) is missing from the store; restore a copy of the store"
                return nil
            }
            lastImage = (digest, dataURL)
            return request.with(imageAs: dataURL)
        } catch {
            self.error = error.description
            return nil
        }
    }
}
