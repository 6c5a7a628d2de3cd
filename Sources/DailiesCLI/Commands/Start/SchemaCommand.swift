import ArgumentParser
import DailiesManifest

struct SchemaCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of manifests, for completion and validation in editors.",
        discussion: """
            Save the schema and reference it in the first line of a YAML manifest:
              # yaml-language-server: $schema=./manifest.schema.json

            Examples:
              dailies schema > manifest.schema.json
              dailies schema --line > line.schema.json
              dailies schema --catalog my-models.json > manifest.schema.json
            """)

    @Flag(help: "Print the schema of one line of a JSONL manifest.")
    var line = false
    @OptionGroup var models: CatalogOptions

    func run() throws {
        let schema = ManifestSchema(catalog: try models.read())
        Console.out((line ? schema.line : schema.document).prettyText)
    }
}
