import Foundation

/// One tiny H.264 picture for each frame size: the parameter sets, and the same dark picture twice.
///
/// The bytes are our own encoding of our own picture (one plain dark colour), made for each size `WxH` with
/// ```
/// ffmpeg -f lavfi -i "color=c=0x1c2a33:s=WxH:r=1" -frames:v 2 -c:v libx264 -preset veryslow -profile:v main
///   -pix_fmt yuv420p -qp 40 -x264-params "keyint=1:no-deblock=1" -bsf:v "filter_units=remove_types=6" -f h264 WxH.h264
/// ```
/// and cut into NAL units, each written here in base64. There are two pictures since two IDR pictures that follow each
/// other must differ in their `idr_pic_id` (ITU-T H.264, 7.4.3).
struct H264Frame: Sendable {
    let width: Int
    let height: Int
    /// Sequence and picture parameter set, NAL units without start code.
    let sequenceSet: [UInt8]
    let pictureSet: [UInt8]
    /// The even and the odd seconds of a clip: one IDR slice each.
    let slices: [[UInt8]]

    private init(_ width: Int, _ height: Int, sequenceSet: String, pictureSet: String, slices: [String]) {
        self.width = width
        self.height = height
        self.sequenceSet = Self.bytes(sequenceSet)
        self.pictureSet = Self.bytes(pictureSet)
        self.slices = slices.map(Self.bytes)
    }

    /// The picture of a frame size; 720p and 16:9 where a word is not known.
    static func of(resolution: String?, aspectRatio: String?) -> H264Frame {
        let isLarge = resolution == "1080p"
        return switch aspectRatio {
        case "9:16": isLarge ? size1080x1920 : size720x1280
        case "1:1": isLarge ? size1080x1080 : size720x720
        default: isLarge ? size1920x1080 : size1280x720
        }
    }

    private static func bytes(_ base64: String) -> [UInt8] {
        guard let data = Data(base64Encoded: base64) else { preconditionFailure("not base64: \(base64)") }
        return [UInt8](data)
    }

    static let size1280x720 = H264Frame(
        1280, 720, sequenceSet: "Z01AH9wFAFuwEQAAAwABAAADAAIPGDOA", pictureSet: "aO4Dksg=",
        slices: [
            """
            ZYiEOvPgfgTiSyyuTGVbw0RTi0AAAAMAAAMAABU23T4pn4KrcAAAAwAAPcAAmYAB7AAGSAAcQAB/AAJkABDQAH2AAxQAHWAAAAMA\
            AAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMA\
            AAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAGzB
            """,
            """
            ZYiCDr/z4H4E4kssrkxlW8NEU4tAAAADAAADAAAVNt0+KZ+Cq3AAAAMAAD3AAJmAAewABkgAHEAAfwACZAAQ0AB9gAMUAB1gAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAABswA==
            """,
        ])

    static let size720x1280 = H264Frame(
        720, 1280, sequenceSet: "Z01AH9wLQKGwEQAAAwABAAADAAIPGDOA", pictureSet: "aO4Dksg=",
        slices: [
            """
            ZYiEOvPgfgTiSyyuTGVbw0RTi0AAAAMAAAMA8TVAyv/obSAAAAMBrgEzBsgowSwJAFqDwCNhlBVAAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADABbx
            """,
            """
            ZYiCDr/z4H4E4kssrkxlW8NEU4tAAAADAAADAPE1QMr/6G0gAAADAa4BMwbIKMEsCQBag8AjYZQVQAAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAW8A==
            """,
        ])

    static let size720x720 = H264Frame(
        720, 720, sequenceSet: "Z01AH9wLQW7ARAAAAwAEAAADAAg8YM4=", pictureSet: "aO4Dksg=",
        slices: [
            """
            ZYiEOvPgfgTiSyyuTGVbw0RTi0AAAAMAAAMA8TVAyv/obSAAAAMBrgEzBsgowSwJAFqDwCNhlBVAAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAABJwQ==
            """,
            """
            ZYiCDr/z4H4E4kssrkxlW8NEU4tAAAADAAADAPE1QMr/6G0gAAADAa4BMwbIKMEsCQBag8AjYZQVQAAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAScA=
            """,
        ])

    static let size1920x1080 = H264Frame(
        1920, 1080, sequenceSet: "Z01AKNwHgCJ+XARAAAADAEAAAAMAg8YM4A==", pictureSet: "aO4Dksg=",
        slices: [
            """
            ZYiEOvPgfgTiSyyuTGVbw0RTi0AAAAMAAAMAAAMABYG3T4pn4KrcAAADAAADAAQUAAADAmYAAAMB9AAAAwGSAAADAcQAAAMB/AAA\
            AwJkAAAENAAACAgAAAxQAAAdgAAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAICQ==
            """,
            """
            ZYiCDr/z4H4E4kssrkxlW8NEU4tAAAADAAADAAADAAWBt0+KZ+Cq3AAAAwAAAwAEFAAAAwJmAAADAfQAAAMBkgAAAwHEAAADAfwA\
            AAMCZAAABDQAAAgIAAAMUAAAHYAAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMA\
            AAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMA\
            AAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMA\
            AAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMA\
            AAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMAAAMACAg=
            """,
        ])

    static let size1080x1920 = H264Frame(
        1080, 1920, sequenceSet: "Z01AKNwEQDx5fARAAAADAEAAAAMAg8YM4A==", pictureSet: "aO4Dksg=",
        slices: [
            """
            ZYiEOvPgfgTiSyyuTGVbw0RTi0AAAAMAAAMAAK426fFM/BVbgAAAAwAP8AElAB5AAyQAcQAP4AJkAIaAHsAGKAHIAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAcV
            """,
            """
            ZYiCDr/z4H4E4kssrkxlW8NEU4tAAAADAAADAACuNunxTPwVW4AAAAMAD/ABJQAeQAMkAHEAD+ACZACGgB7ABigByAAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAHFA==
            """,
        ])

    static let size1080x1080 = H264Frame(
        1080, 1080, sequenceSet: "Z01AINwEQCJ5ZcBEAAADAAQAAAMACDxgzg==", pictureSet: "aO4Dksg=",
        slices: [
            """
            ZYiEOvPgfgTiSyyuTGVbw0RTi0AAAAMAAAMAAK426fFM/BVbgAAAAwAP8AElAB5AAyQAcQAP4AJkAIaAHsAGKAHIAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAADAAAD\
            AAADAAADAAADAAADAAADAAADAGzB
            """,
            """
            ZYiCDr/z4H4E4kssrkxlW8NEU4tAAAADAAADAACuNunxTPwVW4AAAAMAD/ABJQAeQAMkAHEAD+ACZACGgB7ABigByAAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAAAwAA\
            AwAAAwAAAwAAAwAAAwAAAwAAAwBswA==
            """,
        ])
}
