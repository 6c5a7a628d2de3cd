import DailiesCore
import DailiesRunner
import DailiesStore
import ExactJSON

/// A contact sheet as one HTML page that contains the script, the style and the tasks, and links to the clips.
///
/// External text (prompts, keys, tags, messages) is data of the script, which shows it as plain text.
struct SheetPage {
    /// Separates the marks of different stores in the browser's storage.
    let store: String
    /// The absolute path of the page's folder. Links to clips are relative to it.
    let folder: String
    let manifest: ManifestWriter

    /// Everything before the first task.
    var head: String {
        """
        \(Self.pageHead)
        <body data-store="\(ReportHTML.escaped(store))">
        <div id="bar">
        <h1>Contact sheet</h1>
        <input id="search" type="search" placeholder="Search prompts, keys, tags" aria-label="Search">
        \(Self.filter("batch", "All batches"))
        \(Self.filter("model", "All models"))
        \(Self.filter("state", "All states"))
        \(Self.filter("tag", "All tags"))
        <select id="mark" aria-label="Mark"><option value="">All marks</option><option value="none">unmarked</option>\
        <option>keep</option><option>reject</option><option>redo</option></select>
        <span id="hint"><kbd>K</kbd> keep <kbd>X</kbd> reject <kbd>R</kbd> redo <kbd>Enter</kbd> enlarge</span>
        <span id="exports"><button id="export-keep">Save keeps as a manifest</button>
        <button id="export-redo">Save redos as a manifest</button></span>
        <span id="count" role="status"></span>
        </div>
        <div id="grid"></div>
        <p id="nothing" hidden>No clips match these filters.</p>
        <dialog id="large"><video controls loop playsinline></video><div><p></p><dl></dl></div></dialog>
        <template id="card"><article class="card" tabindex="0"><div class="frame">\
        <video muted loop playsinline preload="metadata"></video><span class="none"></span>\
        <span class="state"></span></div>\
        <div class="words"><p class="key"></p><p class="prompt"></p><p class="facts"></p><p class="tags"></p></div>\
        <div class="marks"><button data-mark="keep"></button><button data-mark="reject"></button>\
        <button data-mark="redo"></button></div></article></template>
        <script type="application/json" id="tasks">[
        """
    }

    private static let pageHead = HTMLDocument.text(
        title: "Contact sheet", allowing: ["script-src 'unsafe-inline'", "media-src 'self' file:"],
        style: String(decoding: PackageResources.sheet_css, as: UTF8.self))

    private static func filter(_ id: String, _ all: String) -> String {
        "<select id=\"\(id)\" aria-label=\"\(id)\"><option value=\"\">\(all)</option></select>"
    }

    /// Everything after the last task.
    var tail: String {
        """

        ]</script>
        <script>
        \(String(decoding: PackageResources.sheet_js, as: UTF8.self))</script>
        </body>
        </html>

        """
    }

    /// `9:16`; nil if the request leaves the aspect ratio to the model. The page uses the clip's own shape once it is
    /// loaded.
    private static func ratio(of request: CanonicalRequest) -> String? {
        // The program wrote this request. If it cannot be parsed, the card gets the default shape.
        (try? JSONValue.parse(request.text.utf8))?["aspect_ratio"]?.string
    }

    /// One task as a JSON object on one line.
    ///
    /// - Parameter clip: nil if no clip was saved.
    func task(_ row: TaskRow, _ clip: ClipFinder.Finding?) -> String {
        let json: JSONObject = [
            "batch": row.batchName,
            "key": row.key.text,
            "state": row.state.rawValue,
            "model": row.model.text,
            "ratio": Self.ratio(of: row.request),
            "prompt": row.prompt,
            "tags": JSONObject(row.tags),
            "credits": row.credits?.description,
            "clip": clip?.path.map { ClipLink.address(of: $0, from: folder) },
            "failure": row.latest?.failureMessage ?? row.failureCode ?? loss(row, clip),
            "line": manifest.task(row),
            "redo": manifest.task(row, .otherTake),
        ]
        // The text is inside a script element and must not close it.
        return json.text.replacing("<", with: "\\u003c")
    }

    private func loss(_ row: TaskRow, _ clip: ClipFinder.Finding?) -> String? {
        guard let clip, let path = row.latest?.outputPath else { return nil }
        return ClipCheck.description(of: clip, savedAs: path).map {
            "\($0); run dailies fetch --missing to download it again"
        }
    }
}

/// The URL of a clip in a page.
enum ClipLink {
    /// Relative if both paths share a folder other than the root, so that the page and the clips can move together.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - folder: absolute.
    static func address(of path: String, from folder: String) -> String {
        let target = path.split(separator: "/")
        let base = folder.split(separator: "/")
        let shared = zip(target, base).prefix { $0 == $1 }.count
        guard shared > 0 else { return "file:///" + target.map(encoded).joined(separator: "/") }
        let up = Array(repeating: "..", count: base.count - shared)
        return (up + target[shared...].map(encoded)).joined(separator: "/")
    }

    /// Percent-encodes everything except unreserved characters (RFC 3986).
    private static func encoded(_ name: Substring) -> String {
        let digits = Array("0123456789ABCDEF")
        return name.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
