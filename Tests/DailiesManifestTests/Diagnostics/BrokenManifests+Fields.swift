extension BrokenManifests {
    /// Request fields.
    static let fields = #"""
        json [{}]
        - 1:2: model: is missing; set it on the task or in defaults
        - 1:2: prompt: is missing; set it on the task or in defaults
        - 1:2: duration_seconds: is missing; set it on the task or in defaults
        json [{"model":"sora-2","prompt":"","duration_seconds":1},{"model":"sora-2","prompt":" \#
        \n","duration_seconds":1},{"model":"","prompt":"p","duration_seconds":1}]
        - 1:29: prompt: is empty; describe the clip
        - 1:81: prompt: is empty; describe the clip
        - 1:118: model: is empty; write 1 to 200 bytes
        json [{§,"promt":1,"Seed":1,"duration":2,"size":"x","wibble":1,"out_task_id":"x",\#
        "callback_url":"http://x"}]
        - 1:54: promt: is not a known field; did you mean prompt?
        - 1:64: Seed: is not a known field; did you mean seed?
        - 1:73: duration: is not a known field; did you mean duration_seconds?
        - 1:86: size: is not a known field; did you mean resolution?
        - 1:97: wibble: is not a known field; remove it, or move it to extra if the model accepts it
        - 1:108: out_task_id: is set by the runner, not by a task; remove it
        - 1:126: callback_url: is set by the runner, not by a task; remove it
        json [{"model":3,"prompt":true,"duration_seconds":"8"}]
        - 1:11: model: is 3, not text; put it in quotes
        - 1:22: prompt: is true, not text; put it in quotes
        - 1:46: duration_seconds: is the text "8"; write a whole number without quotes
        json [{"model":["a"],"prompt":{},"duration_seconds":[8]}]
        - 1:11: model: is a list; write a single text
        - 1:26: prompt: is an object; write a single text
        - 1:48: duration_seconds: is a list; write a whole number
        json [{"model":"sora-2","prompt":"p","duration_seconds":8.5}]
        - 1:52: duration_seconds: 8.5 is not a whole number; write it without a decimal point or exponent
        json [{§e1}]
        - 1:52: duration_seconds: 1e1 is not a whole number; write it without a decimal point or exponent
        json [{"model":"sora-2","prompt":"p","duration_seconds":-1}]
        - 1:52: duration_seconds: -1 is not supported by sora-2; write 1 to 10
        json [{§1}]
        - 1:52: duration_seconds: 11 is not supported by sora-2; write 1 to 10
        json [{"model":"sora-2","prompt":"p","duration_seconds":true}]
        - 1:52: duration_seconds: is true; write 1 to 10
        json [{§,"seed":9223372036854775808}]
        - 1:61: seed: 9223372036854775808 does not fit in 64 bits; write at least -9223372036854775808 and at most \#
        9223372036854775807
        json [{§,"seed":-0}]
        - 1:61: seed: -0 is not a valid whole number; write 0
        yaml - {model: sora-2, prompt: p, duration_seconds: "8"}
        - 1:48: duration_seconds: is the text "8"; write 1 to 10, without quotes
        yaml - {model: sora-2, prompt: p, duration_seconds: 08}
        - 1:48: duration_seconds: 08 is not a valid whole number; write 8
        yaml - {model: sora-2, prompt: p, duration_seconds: +8}
        - 1:48: duration_seconds: +8 is not a valid whole number; write 8
        yaml - {model: sora-2, prompt: p, duration_seconds: 8s}
        - 1:48: duration_seconds: "8s" is not a whole number; write 1 to 10
        yaml - {model: sora-2, prompt: p, duration_seconds: 0x8}
        - 1:48: duration_seconds: "0x8" is not a whole number; write 1 to 10
        yaml - {§_0}
        - 1:48: duration_seconds: "1_0" is not a whole number; write 1 to 10
        csv §,seed⏎sora-2,p,1,99999999999999999999⏎sora-2,p, 1,⏎sora-2,p,1.0,007⏎sora-2,p,,⏎
        - 2:12: seed: 99999999999999999999 does not fit in 64 bits; write at least -9223372036854775808 and at most \#
        9223372036854775807
        - 4:14: seed: 007 is not a valid whole number; write 7
        - 5:1: duration_seconds: is missing; set it on the task or in defaults
        json [{§,"resolution":720},{§,"resolution":[720],"aspect_ratio":169},{"model":"sora-2-pro","prompt":"p",\#
        "duration_seconds":1,"style_preset":true}]
        - 1:67: resolution: is 720, not text; write 720p or 1080p
        - 1:137: resolution: is a list; write 720p or 1080p
        - 1:158: aspect_ratio: is 169, not text; write 16:9, 9:16 or 1:1
        - 1:234: style_preset: is true, not text; write cinematic, anime, documentary or none
        json {"defaults":{"resolution":720},"tasks":[{§},{§}]}
        - 1:27: defaults.resolution: is 720, not text; put it in quotes
        json {"defaults":{"resolution":720,"model":"sora-2"},"tasks":[{§},{§}]}
        - 1:27: defaults.resolution: is 720, not text; write 720p or 1080p
        json [{§,"resolution":"4k","aspect_ratio":"4:3"},{"model":"seedance-fast","prompt":"p",\#
        "duration_seconds":5,"resolution":"1080p"}]
        - 1:67: resolution: "4k" is not supported by sora-2; write 720p or 1080p
        - 1:87: aspect_ratio: "4:3" is not supported by sora-2; write 16:9, 9:16 or 1:1
        - 1:166: resolution: "1080p" is not supported by seedance-fast; write 720p
        json [{§,"style_preset":"anime","motion_intensity":"low"},{"model":"sora-2-pro","prompt":"p",\#
        "duration_seconds":1,"style_preset":"noir"},{"model":"seedance-2.0","prompt":"p","duration_seconds":1,\#
        "motion_intensity":"extreme"}]
        - 1:69: style_preset: is not a field of sora-2; remove it, or choose a model that has it
        - 1:96: motion_intensity: is not a field of sora-2; remove it, or choose a model that has it
        - 1:174: style_preset: "noir" is not supported by sora-2-pro; write cinematic, anime, documentary or none
        - 1:259: motion_intensity: "extreme" is not supported by seedance-2.0; write low, medium or high
        json [{"model":"new","prompt":"p","duration_seconds":0,"seed":"x","style_preset":3,\#
        "motion_intensity":""}]
        - 1:49: duration_seconds: 0 is not supported by new; write 1 to 86400
        - 1:58: seed: is the text "x"; write a whole number without quotes
        - 1:77: style_preset: is 3, not text; put it in quotes
        - 1:98: motion_intensity: is empty; write 1 to 200 bytes
        json [{§,"prompt":"q"}]
        - 1:54: prompt: appears twice, first at 1:20; remove one of them
        yaml - model: sora-2⏎  prompt: p⏎  duration_seconds: 1⏎  prompt: q⏎  "prompt": r⏎  seed: x⏎
        - 4:3: prompt: appears twice, first at 2:3; remove one of them
        - 5:3: prompt: appears twice, first at 2:3; remove one of them
        - 6:9: seed: "x" is not a whole number; write a number such as 8
        yaml - {'a': 1, 'a': 2, §}
        - 1:4: a: is not a known field; remove it, or move it to extra if the model accepts it
        - 1:12: a: appears twice, first at 1:4; remove one of them
        yaml - {§, tags: {a: x, a: y}}
        - 1:64: tags.a: appears twice, first at 1:58; remove one of them
        json [{"model":"sora-2","prompt":"a\u0000b","duration_seconds":1}]
        - 1:29: prompt: contains the control character \u{0}; remove it
        json [{§,"resolution":"7\u202e20p\u001b[2Jxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\#
        xxxxxxxxxxxxxxxxxx"}]
        - 1:67: resolution: contains the control character \u{1b}; remove it
        json [{§,"resolution":"72\u006f\n"}]
        - 1:67: resolution: "72o" is not supported by sora-2; write 720p or 1080p
        """#

    /// YAML features that manifests do not support.
    static let mergeKeys = #"""
        yaml - &a {§}⏎- {<<: *a, model: sora-2, prompt: q, duration_seconds: 2}
        - 2:4: <<: is YAML's merge key, which is not supported; use defaults instead
        """#

    /// First frames.
    static let images = #"""
        json [{§,"image_init":""}]
        - 1:67: image_init: is not a URL; write an http or https URL, or data:image/…;base64,…
        json [{§,"image_init":"no such/a.png"}]
        - 1:67: image_init: "no such/a.png" cannot be read: No such file or directory; give an image path relative to \#
        the manifest's folder, an http or https URL, or data:image/…;base64,…
        yaml - {§, image_init: "."}
        - 1:63: image_init: "." is not a regular file; give an image path relative to the manifest's folder, an http \#
        or https URL, or data:image/…;base64,…
        json [{§,"image_init":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}]
        - 1:67: image_init: is a URL that the provider cannot fetch; write an http or https URL, or \#
        data:image/…;base64,…
        json [{§,"image_init":"file:///etc/passwd"}]
        - 1:67: image_init: is a URL that the provider cannot fetch; write an http or https URL, or \#
        data:image/…;base64,…
        json [{§,"image_init":"ftp://x/y"}]
        - 1:67: image_init: is a URL that the provider cannot fetch; write an http or https URL, or \#
        data:image/…;base64,…
        json [{§,"image_init":"http:/x"}]
        - 1:67: image_init: is not a URL; write an http or https URL, or data:image/…;base64,…
        json [{§,"image_init":"https://"}]
        - 1:67: image_init: is a URL without a host; write an http or https URL, or data:image/…;base64,…
        json [{§,"image_init":"https://:80/a"}]
        - 1:67: image_init: is a URL without a host; write an http or https URL, or data:image/…;base64,…
        json [{§,"image_init":"https://user:secret@host/a.png"}]
        - 1:67: image_init: contains a user name or password; use a URL without them, since it is sent to the \#
        provider and kept in the store
        json [{§,"image_init":"https://user@host"}]
        - 1:67: image_init: contains a user name or password; use a URL without them, since it is sent to the \#
        provider and kept in the store
        json [{§,"image_init":"https://host/a b.png"}]
        - 1:67: image_init: contains white space or a backslash; write them as %20 and %5C
        json [{§,"image_init":"data:image/png"}]
        - 1:67: image_init: is a data URL without data; write an http or https URL, or data:image/…;base64,…
        json [{§,"image_init":"http://host\\@evil/"}]
        - 1:67: image_init: contains white space or a backslash; write them as %20 and %5C
        json [{§,"image_init":"javascript:1"}]
        - 1:67: image_init: is a URL that the provider cannot fetch; write an http or https URL, or \#
        data:image/…;base64,…
        """#

    /// Fields of the runner.
    static let runnerFields = #"""
        json [{§,"id":"a"},⏎ {§,"id":"b"},⏎ {§,"id":"a"}]
        - 3:59: id: "a" is already the id of the task at 1:59; give each task a unique id
        json [{§,"priority":1000001},{§,"priority":1.5},{§,"priority":"high"},{§,"priority":[]}]
        - 1:65: priority: is 1000001; write a number from -1000000 to 1000000
        - 1:137: priority: 1.5 is not a whole number; write it without a decimal point or exponent
        - 1:205: priority: is the text "high"; write a whole number without quotes
        - 1:276: priority: is a list; write a whole number
        json [{§,"tags":["a"]},{§,"tags":{"a":1,"b":true,"":"x","c":"","d":"a\tb","e":["x"]}},{§,"tags":"a"}]
        - 1:61: tags: is a list; write names and values, such as client: acme
        - 1:132: tags.a: is 1, not text; put it in quotes
        - 1:138: tags.b: is true, not text; put it in quotes
        - 1:143: tags: has a name that is empty; write 1 to 200 bytes
        - 1:154: tags.c: is empty; write 1 to 200 bytes
        - 1:161: tags.d: contains the control character \u{9}; remove it
        - 1:172: tags.e: is a list; write a single text
        - 1:239: tags: is a single value; write names and values, such as client: acme
        json [{§,"output":"a/b.mp4"},{§,"output":".."},{§,"output":"x.mp4"},{§,"output":"x.mp4"},{§,\#
        "output":"a\\b"},{§,"output":3}]
        - 1:63: output: "a/b.mp4" is not a file name; write a name without folders, such as dolly.mp4
        - 1:135: output: ".." is not a file name; write a name without folders, such as dolly.mp4
        - 1:272: output: "x.mp4" is already the output at 1:202; give each task a different file name
        - 1:342: output: "a\b" is not a file name; write a name without folders, such as dolly.mp4
        - 1:411: output: is 3, not text; put it in quotes
        json [{§,"extra":{"seed":1,"out_task_id":"x","":1,"params":{}}},{§,"extra":[1]},{§,"extra":{"a":{"b":1,\#
        "b":2},"a":3}}]
        - 1:63: extra.seed: is a task field; move it out of extra
        - 1:72: extra.out_task_id: is set by the runner, not by a task; remove it
        - 1:90: extra: has a name that is empty; write 1 to 200 bytes
        - 1:95: extra.params: is set by the runner, not by a task; remove it
        - 1:169: extra: is a list; write the names and values of fields
        - 1:246: extra.a.b: appears twice, first at 1:240; remove one of them
        - 1:253: extra.a: appears twice, first at 1:235; remove one of them
        """#

    /// Matrices.
    static let matrix = #"""
        yaml - {§, matrix: [1]}
        - 1:59: matrix: is a list; write fields and lists of their values, such as seed: [1, 2, 3]
        yaml - {§, matrix: {}}
        - 1:59: matrix: is empty; write fields and lists of their values, such as seed: [1, 2, 3]
        yaml - {§, matrix: {seed: 1}}
        - 1:66: matrix.seed: is a single value; write a list of its values
        yaml - {§, matrix: {seed: []}}
        - 1:66: matrix.seed: is empty; write a list of its values
        yaml - {§, matrix: {sead: [1]}}
        - 1:60: matrix.sead: is not a request field; did you mean seed?
        yaml - {§, matrix: {id: [a]}}
        - 1:60: matrix.id: is not a request field; only fields such as seed and aspect_ratio can vary
        yaml - {§, matrix: {prompt: [a, b]}}
        - 1:60: matrix.prompt: is also set on the task, at 1:27; keep one of them
        yaml - {§, matrix: {seed: [1, x, 1.0, "2", ~, [3]]}}
        - 1:70: matrix.seed: "x" is not a whole number; write a number such as 8
        - 1:73: matrix.seed: repeats the value at 1:67; remove one of them
        - 1:78: matrix.seed: is the text "2"; write a whole number without quotes
        - 1:83: matrix.seed: is empty; write a whole number
        - 1:86: matrix.seed: is a list; write a whole number
        yaml - {§, matrix: {seed: [1, 2, 1]}}
        - 1:73: matrix.seed: repeats the value at 1:67; remove one of them
        yaml - {§, matrix: {resolution: [720p, 4k]}}
        - 1:79: matrix.resolution: "4k" is not supported by sora-2; write 720p or 1080p
        yaml - {id: a, §, matrix: {seed: [1]}}⏎- {id: a/seed=1, §}
        - 2:8: id: "a/seed=1" is already the id of the task at 1:8; give each task a unique id
        yaml - {id: a, model: sora-2, duration_seconds: 1, matrix: {prompt: ["x\ny"]}}
        - 1:8: id: its matrix member "a/prompt=x\u{a}y" contains the control character \u{a}; write out these tasks, \#
        each with a unique id
        yaml - {§, output: x.mp4, matrix: {seed: [1, 2]}}
        - 1:59: output: would be the same file for all tasks of the matrix; remove it; files are then named by key
        yaml - {§, matrix: {seed: [1, 2], seed: [3]}}
        - 1:74: matrix.seed: appears twice, first at 1:60; remove one of them
        """#
}
