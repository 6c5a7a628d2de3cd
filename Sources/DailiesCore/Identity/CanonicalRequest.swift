/// What is asked of the provider, free of dialect and of accident: one JSON object whose members are sorted by name
/// (by UTF-8 bytes), with no white space, the model among them, and the defaults of catalogue edition 1 filled in.
///
/// Numbers stand as they were written, text as it was written (NFC stays beside NFD); only what JSON must escape is
/// escaped. The text is what identity is taken over, and what the wire bodies are made from.
public struct CanonicalRequest: ByteExactString, Sendable {
    /// The JSON object.
    public let text: String
    /// Keeps the text, which must be canonical already.
    public init(text: String) { self.text = text }
}

/// The facts of a request that scheduling and pricing need, read from it once when the manifest is read.
public struct RequestShape: Hashable, Sendable {
    /// As sent.
    public let model: ModelID
    /// Whole seconds of output asked for; nil where the model has no such field.
    public let durationSeconds: Int?
    /// As sent, e.g. `1080p`; nil where unknown.
    public let resolution: String?
    /// Takes its properties as they are given.
    public init(model: ModelID, durationSeconds: Int?, resolution: String?) {
        self.model = model
        self.durationSeconds = durationSeconds
        self.resolution = resolution
    }
}

/// One clip that a manifest asks for: checked, expanded (`matrix`), with its defaults filled in.
public struct TaskSpec: Hashable, Sendable {
    /// What it is known by in its batch.
    public let key: TaskKey
    /// The manifest gives it no `id`: the key is that of the request, with LF line ends, and of its count among equals.
    public let isKeyDerived: Bool
    /// What it asks for, as far as scheduling and pricing go.
    public let shape: RequestShape
    /// For people; ``request`` holds it too.
    public let prompt: String
    /// What is asked of the provider.
    public let request: CanonicalRequest
    /// Sorted by name; names are unique.
    public let tags: [Tag]
    /// Higher first; 0 unless given. −1,000,000 … 1,000,000.
    public let priority: Int
    /// File name asked for, without folder, or nil: then it follows from the key.
    public let output: String?
    /// The image that ``request`` names by its content; nil where it names none.
    public let image: TaskImage?

    /// A name and its value, for people's own order.
    public struct Tag: Hashable, Sendable {
        /// Not empty.
        public let name: String
        /// May be empty.
        public let value: String

        /// Byte for byte, as ``ByteExactString``.
        public static func == (a: Tag, b: Tag) -> Bool {
            a.name.utf8.elementsEqual(b.name.utf8) && a.value.utf8.elementsEqual(b.value.utf8)
        }
        /// Takes its properties as they are given.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Takes its properties as they are given; a manifest's reader checks them.
    public init(
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

    /// The same under the key that a store has for it.
    public func known(as key: TaskKey) -> TaskSpec {
        TaskSpec(
            key: key, isKeyDerived: isKeyDerived, shape: shape, prompt: prompt, request: request, tags: tags,
            priority: priority, output: output, image: image)
    }
}
