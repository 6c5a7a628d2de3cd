/// Prints one JSON object per line to standard output, each with a `type`.
enum JSONLine {
    static func write(_ type: String, _ members: JSONObject) { Console.out((["type": type] + members).text) }
}
