import DailiesCore
import Testing

struct TaskImageTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `a data URL is RFC 4648 base64 of the computed length`(text: String, base64: String) {
        let url = TaskImage.dataURL(mediaType: "image/png", bytes: Array(text.utf8))
        #expect(url == "data:image/png;base64,\(base64)")
        #expect(url.utf8.count == TaskImage.lengthOfDataURL(bytes: text.utf8.count, mediaType: "image/png"))
    }

    @Test func `every byte survives encoding`() {
        #expect(
            TaskImage.dataURL(mediaType: "image/webp", bytes: [0xFB, 0xFF, 0xBE, 0x00])
                == "data:image/webp;base64,+/++AA==")
    }

    @Test func `the image replaces its reference and nothing else`() {
        let image = TaskImage(
            sha256: String(repeating: "a", count: 64), mediaType: "image/png", path: "/a.png", byteCount: 0,
            read: { [] })
        let name = image.reference
        let words = #""prompt":"say \"image_init\":\"sha256:no\"""#
        let request = CanonicalRequest(
            text: #"{"a":{"image_init":"sha256:no"},"b":["image_init","sha256:no"],"image_init":"\#(name)",\#(words)}"#)
        #expect(request.imageDigest == String(repeating: "a", count: 64))
        #expect(
            request.with(imageAs: "data:,x").text
                == #"{"a":{"image_init":"sha256:no"},"b":["image_init","sha256:no"],"image_init":"data:,x",\#(words)}"#)
    }

    @Test(arguments: [
        "{}", #"{"image_init":"https://h/a.png"}"#, #"{"x":{"image_init":"sha256:a"}}"#,
        #"{"prompt":"\"image_init\":\"sha256:a\""}"#,
        #"{"prompt":"\\","x":1}"#,
    ])
    func `a request without an image stays unchanged`(text: String) {
        let request = CanonicalRequest(text: text)
        #expect(request.imageDigest == nil)
        #expect(request.with(imageAs: "data:,x") == request)
    }
}
