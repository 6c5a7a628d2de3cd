import DailiesCore
import DailiesRunner
import DailiesStore
import ExactJSON

/// A contact sheet as one page: script, style and tasks stand in it, and the clips beside it.
///
/// What comes from outside (prompts, keys, tags, messages) is data of the script, which shows it as text only.
struct SheetPage {
    /// Tells this store's marks from another's in the reader's browser.
    let store: String
    /// The folder that the page lies in, absolute: clips are linked from there.
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
        \(Self.filter("batch", "every batch"))
        \(Self.filter("model", "every model"))
        \(Self.filter("state", "every state"))
        \(Self.filter("tag", "every tag"))
        <select id="mark" aria-label="Mark"><option value="">every mark</option><option value="none">unmarked</option>\
        <option>keep</option><option>reject</option><option>redo</option></select>
        <span id="hint"><kbd>K</kbd> keep <kbd>X</kbd> reject <kbd>R</kbd> redo <kbd>Enter</kbd> enlarge</span>
        <span id="exports"><button id="export-keep">Save keeps as a manifest</button>
        <button id="export-redo">Save redos as a manifest</button></span>
        <span id="count" role="status"></span>
        </div>
        <div id="grid"></div>
        <p id="nothing" hidden>Nothing fits these filters.</p>
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

    /// `9:16`, as the request has it; nil: it leaves that to the model. The page itself looks at the clip.
    private static func ratio(of request: CanonicalRequest) -> String? {
        // The program wrote this request. If it cannot be parsed, the card gets the default shape.
        (try? JSONValue.parse(request.text.utf8))?["aspect_ratio"]?.string
    }

    /// One task: an object on a line of its own.
    ///
    /// - Parameter clip: how its saved clip was found; nil: none was saved.
    func task(_ row: TaskRow, _ clip: ClipFinder.Finding?) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("batch", row.batchName)
            writer.member("key", row.key.text)
            writer.member("state", row.state.rawValue)
            writer.member("model", row.model.text)
            writer.member("ratio", optional: Self.ratio(of: row.request))
            writer.member("prompt", row.prompt)
            writer.member("tags", tags: row.tags)
            writer.member("credits", optional: row.credits.map(\.description))
            writer.member("clip", optional: clip?.path.map { ClipLink.address(of: $0, from: folder) })
            writer.member("failure", optional: row.latest?.failureMessage ?? row.failureCode ?? loss(row, clip))
            writer.member("line", manifest.task(row))
            writer.member("redo", manifest.task(row, .otherTake))
        }
        // The text stands in an element of the page: nothing in it may close that element.
        return writer.text.replacing("<", with: "\\u003c")
    }

    private func loss(_ row: TaskRow, _ clip: ClipFinder.Finding?) -> String? {
        guard let clip, let path = row.latest?.outputPath else { return nil }
        return ClipCheck.words(for: clip, savedAs: path).map { "\($0); dailies fetch --missing saves it again" }
    }
}

/// A clip's address for a page in some folder.
enum ClipLink {
    /// Relative where both lie below one folder other than the root, so that page and clips can move together.
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

    /// Everything but the characters that mean nothing in an address is written as its bytes.
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
