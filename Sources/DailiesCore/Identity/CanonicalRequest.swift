/// A request in a form that does not depend on the dialect: one JSON object, members sorted by UTF-8 name, no white
/// space, including the model, with the defaults of catalog edition 1 filled in.
///
/// Numbers and texts stay as written (NFC and NFD stay different); only what JSON requires is escaped. Keys are derived
/// from this text, and request bodies are built from it.
public struct CanonicalRequest: ByteExactString, Sendable {
    /// The JSON object.
    public let text: String
    /// Wraps a text that is already canonical.
    public init(text: String) { self.text = text }
}

/// The parts of a request that scheduling and pricing need, read once when the manifest is read.
package struct RequestShape: Hashable, Sendable {
    /// The model, as sent.
    package let model: ModelID
    /// Requested seconds of output; nil if the model has no such field.
    package let durationSeconds: Int?
    /// The requested resolution as sent, such as `1080p`; nil if unknown.
    package let resolution: String?
    package init(model: ModelID, durationSeconds: Int?, resolution: String?) {
        self.model = model
        self.durationSeconds = durationSeconds
        self.resolution = resolution
    }
}

/// One clip of a manifest: validated, expanded (`matrix`), with defaults filled in.
package struct TaskSpec: Hashable, Sendable {
    /// The task's key, unique in its batch.
    package let key: TaskKey
    /// Whether the manifest gives no `id`: the key is then derived from the request (with LF line ends) and its count
    /// among equals.
    package let isKeyDerived: Bool
    /// The model, duration and resolution.
    package let shape: RequestShape
    /// The prompt, for display; ``request`` contains it too.
    package let prompt: String
    /// The request to send.
    package let request: CanonicalRequest
    /// Tags sorted by unique name.
    package let tags: [Tag]
    /// The priority, −1,000,000 … 1,000,000; higher first. Default 0.
    package let priority: Int
    /// The requested file name without a folder; nil: derived from the key.
    package let output: String?
    /// The image that ``request`` names by digest; nil if it names none.
    package let image: TaskImage?

    /// A name and a value for grouping tasks.
    package struct Tag: Hashable, Sendable {
        /// The name, not empty.
        package let name: String
        /// The value, possibly empty.
        package let value: String

        /// Compares bytes, like ``ByteExactString``.
        package static func == (a: Tag, b: Tag) -> Bool {
            a.name.utf8.elementsEqual(b.name.utf8) && a.value.utf8.elementsEqual(b.value.utf8)
        }
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Creates a spec from properties that the manifest reader has checked.
    package init(
        key: TaskKey, isKeyDerived: Bool = false, shape: RequestShape, prompt: String, request: CanonicalRequest,
        tags: [Tag], priority: Int, output: String?, image: TaskImage? = nil
    ) {
        self.key = key
        self.isKeyDerived = isKeyDerived
        self.shape = shape
        self.prompt = prompt
        self.request = request
        self.tags = tags
        self.priority = priority
        self.output = output
        self.image = image
    }

    /// The same task under the key that the store has for it.
    package func named(_ key: TaskKey) -> TaskSpec {
        TaskSpec(
            key: key, isKeyDerived: isKeyDerived, shape: shape, prompt: prompt, request: request, tags: tags,
            priority: priority, output: output, image: image)
    }
}

extension CanonicalRequest {
    /// The field that distinguishes renders of the same prompt.
    public static let seedField = "seed"
    /// Seeds fit in 31 bits, since some models refuse larger ones.
    private static let seedMask: UInt64 = 0x7FFF_FFFF

    /// The seed for the attempt after the one with this key. It is always the same and almost never that of another
    /// key.
    public static func seed(after key: SubmissionKey) -> Int64 {
        // FNV-1a, then mixed, since nearby keys should not give nearby seeds.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        var generator = SplitMix64(seed: hash)
        return Int64(generator.next() & seedMask)
    }
}
