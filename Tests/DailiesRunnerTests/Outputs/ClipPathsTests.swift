import DailiesCore
import Testing

@testable import DailiesRunner

struct ClipPathsTests {
    private static let nasty: [String] = [
        "shot", "Shot.1", "a/b", "a//b", "/a", "a/", "..", "../../etc/passwd", ".", ".hidden", "a/../b", "a/./b", "CON",
        "con.txt", "COM1", "lpt9", "com0", "nul/x", "trailing.", "trailing ", " leading", "a b", "a_b", "a\u{0}b",
        "a\nb",
        "caf\u{E9}", "cafe\u{301}", "\u{202E}gpj", "a:b", "a\\b", "a*b?", "~", "-rf", "", "a.mp4", "a.mp4/b", "A.MP4/b",
        "takes/seed=1", "x~abcdefgh", String(repeating: "x", count: 150), String(repeating: "x", count: 151),
        String(repeating: "x", count: 4000), String(repeating: "é", count: 200),
    ]

    private static func paths(
        _ key: String, batch: String = "batch", attempt: Int = 1, requested: String? = nil, mark: String = "k"
    ) -> ClipPaths {
        ClipPaths(
            folder: "/renders", batchName: batch,
            output: OutputName(batch: BatchID(1), key: TaskKey(key), attempt: attempt, requested: requested),
            submissionKey: SubmissionKey(String(repeating: mark, count: 24)))
    }

    @Test(arguments: nasty)
    func `a clip stays inside its folder for any key`(key: String) {
        let all = [Self.paths(key).clip, Self.paths("x", batch: key).clip]
        for path in all + Self.paths(key).hidden {
            #expect(path.hasPrefix("/renders/"))
            let components = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            for component in components {
                #expect(!component.isEmpty && component != "." && component != "..")
                #expect(component.utf8.count <= 255)
                #expect(component.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
            }
            #expect(components.dropLast().allSatisfy { !$0.lowercased().hasSuffix(".mp4") })
        }
        #expect(Self.paths(key).clip.hasSuffix(".mp4"))
        #expect(Self.paths(key).clip.split(separator: "/").last?.hasPrefix(".") == false)
    }

    @Test func `different keys never share a name`() {
        var seen: [String: String] = [:]
        for key in Self.nasty {
            let clip = Self.paths(key).clip
            #expect(seen.updateValue(key, forKey: clip) == nil, "\(clip)")
        }
        for batch in Self.nasty where batch != "batch" {
            #expect(seen[Self.paths("shot", batch: batch).clip] == nil, "\(batch)")
        }
    }

    @Test func `a key that is not a valid name gets a safe name with a hash`() {
        #expect(Self.paths("..").clip == "/renders/batch/_..~l3a7pzya.mp4")
        #expect(Self.paths("caf\u{E9} 1").clip == "/renders/batch/caf__1~bjq3ibck.mp4")
    }

    @Test func `ordinary keys are used as names unchanged`() {
        #expect(
            Self.paths("takes/seed=1,aspect_ratio=16-9").clip == "/renders/batch/takes/seed=1,aspect_ratio=16-9.mp4")
        #expect(Self.paths("dolly", attempt: 3).clip == "/renders/batch/dolly~take3.mp4")
        #expect(Self.paths("dolly", requested: "final/cut.MP4").clip == "/renders/batch/final/cut.mp4")
    }

    @Test func `a part file belongs to one submission`() {
        #expect(Set(Self.paths("a", mark: "k").hidden).isDisjoint(with: Self.paths("a", mark: "l").hidden))
        #expect(Self.paths("a", mark: "k").clip == Self.paths("a", mark: "l").clip)
        #expect(Self.paths("a").clipNames.prefix(3) == ["a.mp4", "a~kkkkkkkk.mp4", "a~kkkkkkkk~2.mp4"])
        #expect(Self.paths("a").partName(0) == "a~unverified.mp4")
    }
}

extension ClipPaths {
    private var folder: String { ([root] + folders).joined(separator: "/") }

    /// The clip's path without obstacles.
    fileprivate var clip: String { folder + "/" + clipNames[0] }

    /// The paths of its hidden parts and their records.
    fileprivate var hidden: [String] {
        partNumbers.dropFirst().map { folder + "/" + partName($0) } + partNumbers.map { folder + "/" + recordName($0) }
    }
}
