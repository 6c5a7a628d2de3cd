/// What `dailies --version` prints.
enum ProgramVersion {
    static let number = "1.0.0"
    static let text = "dailies \(number)"
}
