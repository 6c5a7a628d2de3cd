import DailiesCore

extension SQLiteConnection {
    func path(ofImage sha256: String) throws(StoreError) -> String? {
        try value("SELECT path FROM image WHERE sha256 = $1", .text(sha256))
    }

    /// Stores an image unless it is stored already, and updates its path.
    ///
    /// - Throws: ``StoreError``, or an error of reading the image.
    func keep(_ image: TaskImage) throws {
        guard let known = try path(ofImage: image.sha256) else {
            try run(
                "INSERT INTO image (sha256, media_type, path, bytes) VALUES ($1, $2, $3, $4)", .text(image.sha256),
                .text(image.mediaType), .text(image.path), .blob(try image.bytes()))
            return
        }
        if !known.utf8.elementsEqual(image.path.utf8) {
            try run("UPDATE image SET path = $1 WHERE sha256 = $2", .text(image.path), .text(image.sha256))
        }
    }
}

extension Store {
    /// The image with this hexadecimal digest as a data URL; nil if the store does not have it.
    package func dataURL(ofImage sha256: String) throws(StoreError) -> String? {
        try reading { database throws(StoreError) in
            try database.first("SELECT media_type, bytes FROM image WHERE sha256 = $1", .text(sha256)) { row in
                TaskImage.dataURL(mediaType: row["media_type"], bytes: row["bytes"])
            }
        }
    }
}
