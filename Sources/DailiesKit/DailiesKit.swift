@_exported import DailiesCore
@_exported import DailiesManifest
@_exported import DailiesProvider
@_exported import DailiesRunner
@_exported import DailiesStore
