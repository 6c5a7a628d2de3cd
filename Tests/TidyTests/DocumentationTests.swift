import Foundation
import Testing

/// What others may use says what it promises, and the articles name nothing that is not there.
struct DocumentationTests {
    /// What the standard library's own protocols promise, in their words.
    private static var witness: Regex<Substring> {
        #/public (?:static func (?:<|==|\+|-|\+=|-=) ?\(|var (?:description|debugDescription|customMirror)\b|func hash\(into|init\((?:string|integer|boolean)Literal|init\(arrayLiteral)/#
    }

    /// Public declarations without a doc comment: of types, their members, the cases of public enums, and what public
    /// protocols ask for.
    static func undocumented(in file: Repository.SourceFile) -> [String] {
        var found: [String] = []
        // Public enums and protocols that are open here, by how far they are indented.
        var open: [(indent: Int, members: Regex<Substring>)] = []
        for (index, line) in file.lines.enumerated() {
            let code = line.drop { $0 == " " }.replacing(#/^(?:@\w+(?:\([^)]*\))? )+/#, with: "")
            guard !code.isEmpty, !code.hasPrefix("//"), !code.hasPrefix("@") else { continue }
            let indent = line.prefix { $0 == " " }.count
            open.removeAll { indent <= $0.indent }
            let isMember = open.last.map { indent == $0.indent + 4 && code.prefixMatch(of: $0.members) != nil } ?? false
            if !code.hasSuffix("}") {
                if code.prefixMatch(of: #/public (?:indirect )?enum /#) != nil {
                    open.append((indent, #/(?:indirect )?case /#))
                } else if code.hasPrefix("public protocol ") {
                    open.append((indent, #/(?:static |mutating )*(?:func|var|init|subscript|associatedtype)/#))
                }
            }
            guard isMember || code.hasPrefix("public "), code.prefixMatch(of: witness) == nil else { continue }
            let above = file.lines[..<index].last { !$0.drop { $0 == " " }.hasPrefix("@") } ?? ""
            if !above.drop(while: { $0 == " " }).hasPrefix("///") { found.append("\(file.path):\(index + 1): \(code)") }
        }
        return found
    }

    @Test func `every public declaration says what it promises`() throws {
        let found = try ImportRulesTests.allowed.keys.sorted().flatMap { target in
            try Repository.swiftFiles(below: "Sources/\(target)").flatMap(Self.undocumented)
        }
        #expect(found.isEmpty, "without a doc comment:\n\(found.joined(separator: "\n"))")
    }

    @Test func `a declaration without a comment would be found`() {
        let lines = [
            "/// A type.", "public enum Word {", "    case spoken", "    /// On paper.", "    case written",
            "    public var length: Int {", "        switch self {", "        case .spoken: 1", "        }", "    }",
            "}", "@frozen public struct Bare {}", "/// Asks.", "public protocol Asker {", "    func ask()", "}",
            "struct Own {", "    func ask() {}", "}", "public static func < (a: Bare, b: Bare) -> Bool { true }",
        ]
        let found = Self.undocumented(in: Repository.SourceFile(path: "x", lines: lines))
        #expect(
            found == [
                "x:3: case spoken", "x:6: public var length: Int {", "x:12: public struct Bare {}", "x:15: func ask()",
            ])
    }

    // MARK: Articles

    private static let catalog = "Sources/DailiesKit/DailiesKit.docc"

    private func articles() throws -> [(name: String, text: String)] {
        try FileManager.default.contentsOfDirectory(
            atPath: Repository.root.appendingPathComponent(Self.catalog).path
        ).filter { $0.hasSuffix(".md") }.sorted().map {
            (String($0.dropLast(3)), try Repository.text("\(Self.catalog)/\($0)"))
        }
    }

    /// `docc` says so too (`.ci/docs`), but is not everywhere.
    @Test func `what the articles link to is declared, and the files that they name are there`() throws {
        let articles = try articles()
        #expect(articles.count == 10)
        for article in articles {
            for link in article.text.matches(of: #/``([^`\n]+)``/#) {
                let parts = link.1.split(separator: "/").map { String($0.prefix { $0 != "(" }) }
                let sources = try Repository.swiftFiles(below: "Sources/\(parts[0])").flatMap(\.lines)
                    .joined(separator: "\n")
                #expect(!sources.isEmpty, "\(article.name) names a module \(parts[0])")
                for name in parts.dropFirst() {
                    let isDeclared = sources.contains(
                        try Regex(#"\b(?:class|struct|enum|protocol|case|func|var|let) \#(name)\b"#))
                    #expect(isDeclared, "\(article.name) names \(link.1)")
                }
            }
            for path in article.text.matches(of: #/`((?:Tests|Sources)\/[^`]+|README\.md)`/#) {
                let file = Repository.root.appendingPathComponent(String(path.1)).path
                #expect(FileManager.default.fileExists(atPath: file), "\(article.name) names \(path.1)")
            }
            for other in article.text.matches(of: #/<doc:(\w+)>/#) {
                #expect(articles.contains { $0.name == other.1 }, "\(article.name) names an article \(other.1)")
            }
        }
    }

    // MARK: The front page

    private func documents() throws -> [(name: String, text: String)] {
        try [("README", Repository.text("README.md"))] + articles()
    }

    @Test func `the front page fits on two screens, and its links lead somewhere`() throws {
        let readme = try Repository.text("README.md")
        #expect(readme.split(separator: "\n", omittingEmptySubsequences: false).count <= 150)
        let links = readme.matches(of: #/\]\(([^)#]+)\)/#).map { String($0.1) }.filter { !$0.hasPrefix("http") }
        #expect(links.count > 5)
        for link in links {
            let path = Repository.root.appendingPathComponent(link).path
            #expect(FileManager.default.fileExists(atPath: path), "\(link)")
        }
    }

    @Test func `commands of the documentation name tests, scripts and commands that exist`() throws {
        let tests = Set(
            try Repository.swiftFiles(below: "Tests").flatMap(\.lines).compactMap { line in
                line.firstMatch(of: #/\b(?:struct|class|enum) (\w+Tests)\b/#).map { String($0.1) }
            })
        let targets = try FileManager.default.contentsOfDirectory(
            atPath: Repository.root.appendingPathComponent("Tests").path)
        let commands = Set(
            try Repository.swiftFiles(below: "Sources/DailiesCLI").flatMap(\.lines).compactMap { line in
                line.firstMatch(of: #/commandName: "(\w+)"/#).map { String($0.1) }
            })
        #expect(commands.count > 20)
        for document in try documents() {
            for name in document.text.matches(of: #/--(?:filter|skip) (\w+)/#).map({ String($0.1) }) {
                #expect(tests.contains(name) || targets.contains(name), "\(document.name) names tests \(name)")
            }
            for name in document.text.matches(of: #/\.ci\/(\w+)/#).map({ String($0.1) }) {
                let path = Repository.root.appendingPathComponent(".ci/\(name)").path
                #expect(FileManager.default.isExecutableFile(atPath: path), "\(document.name) names .ci/\(name)")
            }
            for name in document.text.matches(of: #/(?:^|`|\n|debug\/)dailies ([a-z]+)/#).map({ String($0.1) }) {
                #expect(commands.contains(name) || name == "help", "\(document.name) names a command \(name)")
            }
        }
    }
}
