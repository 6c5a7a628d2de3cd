import DailiesCLI

await DailiesProgram.main()
