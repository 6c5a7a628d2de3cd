import DailiesCore
import DailiesProvider
import Testing

@Suite struct CatalogFileTests {
    private func merged(_ text: String) throws(CatalogFile.Failure) -> ModelCatalog {
        try CatalogFile.merged(with: Array(text.utf8))
    }

    private func problems(_ text: String) -> [String] {
        do throws(CatalogFile.Failure) {
            _ = try merged(text)
            return []
        } catch {
            return error.problems.map { "\($0.position.line):\($0.position.column): \($0.message)" }
        }
    }

    @Test func `a known model takes the fields of the file and keeps the rest`() throws {
        let embedded = try #require(EmbeddedCatalog.catalog[ModelID("sora-2")])
        let catalog = try merged(#"{"models":[{"id":"sora-2","duration_seconds":{"min":2,"max":30}}]}"#)
        let model = try #require(catalog[ModelID("sora-2")])
        #expect(model.durationSeconds == 2...30)
        #expect(model.resolutions == embedded.resolutions)
        #expect(model.prices == embedded.prices)
        #expect(catalog.models.count == EmbeddedCatalog.catalog.models.count)
    }

    @Test func `a new model needs four members`() throws {
        let text = """
            \u{FEFF}{"models":[{"id":"mine","duration_seconds":{"min":1,"max":5},"resolutions":["720p"],"aspect_ratios":["16:9"],
              "other_surface_ids":["mine-x"]}]}
            """
        let catalog = try merged(text)
        let model = try #require(catalog[ModelID("mine")])
        #expect(model.durationSeconds == 1...5)
        #expect(model.extraFields.isEmpty && model.prices.isEmpty && !model.acceptsImageInit)
        #expect(catalog.aliases["mine-x"] == ModelID("mine"))
        #expect(catalog.models.count == EmbeddedCatalog.catalog.models.count + 1)
    }

    @Test(arguments: [
        ("", ["1:1: the text is empty: expected a value"]),
        ("[]", ["1:1: models is missing"]),
        (#"{"models":{}}"#, ["1:11: models is not a list"]),
        (#"{"models":[{"id":"x"}]}"#, ["1:12: duration_seconds is missing"]),
        (#"{"models":[{"id":"sora-2","dration":1}]}"#, ["1:27: dration is not a field of a model"]),
        (#"{"models":[{"id":"sora-2","id":"x"}]}"#, ["1:27: id appears twice, first at 1:13"]),
        (
            "{\"models\":[{\"id\":\"sora-2\"},\n{\"id\":\"sora-2\"},\n3,\n{\"id\":\"veo-3.1\",\"resolutions\":[1]}]}",
            [
                "2:1: sora-2 appears twice, first at 1:12", "3:1: a model must be an object",
                "4:31: resolutions contains values that are not text",
            ]
        ),
        (
            #"{"models":[{"id":"sora-2","duration_seconds":{"min":9,"max":3}}]}"#, ["1:46: [9, 3] is not a range"]
        ),
        (
            #"{"models":[{"id":"sora-2","duration_seconds":{"min":1,"max":1e9}}]}"#,
            ["1:61: max is not a whole number from 0 to 31622400"]
        ),
        (
            #"{"models":[{"id":"sora-2","poll":{"phases":[{"interval_s":0,"until_s":9}]}}]}"#,
            ["1:45: interval_s is 0"]
        ),
        (
            #"{"models":[{"id":"sora-2","price_quotes":[{"usd_per_second":-0.1,"source":"me"}]}]}"#,
            ["1:61: usd_per_second is not an amount"]
        ),
    ])
    func `the first error of each model is reported with its position`(text: String, expected: [String]) {
        #expect(problems(text) == expected)
    }
}
