/// Typing mistakes in tables and in matrices.
extension BrokenManifests {
    /// In CSV and TSV.
    static let csvSlips = #"""
        csv §,seed⏎sora-2,p,1,1,2⏎sora-2,p,1⏎
        - 2:1: file: this line has 5 cells, but the header has 4; write one cell per column, and quote text that \#
        contains a separator
        - 3:1: file: this line has 3 cells, but the header has 4; write one cell per column, and quote text that \#
        contains a separator
        csv §,seed⏎sora-2,p,1,1.5⏎sora-2,p,1,"1,5"⏎sora-2,p,1,1e3
        - 2:12: seed: 1.5 is not a whole number; write it without a decimal point or exponent
        - 3:12: seed: "1,5" is not a whole number; write a number such as 8
        - 4:12: seed: 1e3 is not a whole number; write it without a decimal point or exponent
        csv §,sead,repeat⏎sora-2,p,1,1,2⏎
        - 1:31: sead: is not a known field; did you mean seed? rename it, or use --map sead=seed
        - 2:14: repeat: needs a seed to count from; add a first seed, such as seed: 1
        csv §,,⏎sora-2,p,1,,⏎sora-2,p,1, ,x⏎
        - 3:14: file: this column has no name; name the column in the first line
        csv §⏎sora-2,p,1,,,⏎sora-2,p,1,,x⏎
        - 3:1: file: this line has 5 cells, but the header has 3; write one cell per column, and quote text that \#
        contains a separator
        csv §,Seed,SEED⏎sora-2,p,1,1,2⏎
        - 1:36: SEED: is a duplicate column name, first used at 1:31; remove one of them
        csv ID,Prompt,Model,Duration,tag:client,Notes,Shot Length⏎
        - 1:17: Duration: is not a known field; did you mean duration_seconds? rename it, or use --map \#
        Duration=duration_seconds
        - 1:26: tag:client: is not a known field; did you mean tags.client? rename it, or use --map \#
        tag:client=tags.client
        - 1:37: Notes: is not a known field; call it tags.Notes for a tag or extra.Notes for a model field, or skip \#
        it with --map Notes=
        - 1:43: Shot Length: is not a known field; call it tags.Shot Length for a tag or extra.Shot Length for a \#
        model field, or skip it with --map 'Shot Length='
        csv §,Out Task ID⏎
        - 1:31: Out Task ID: is set by the runner, not by a task; remove it
        csv §,tags⏎sora-2,p,1,x
        - 1:31: tags: is not a column by itself; write a column tags.NAME for each entry
        csv §,vars.a b⏎sora-2,p,1,x
        - 1:31: vars.a b: has an invalid variable name; use letters, digits, _ and -
        csv §,vars.⏎sora-2,p,1,x
        - 1:31: vars.: has an invalid variable name; use letters, digits, _ and -
        csv §,tags.⏎sora-2,p,1,x
        - 1:31: tags.: has a name that is empty; write 1 to 200 bytes
        csv §,extra.model⏎sora-2,p,1,x
        - 1:31: extra.model: is a task field; name the column model
        csv §,out_task_id⏎sora-2,p,1,x
        - 1:31: out_task_id: is set by the runner, not by a task; remove it
        csv prompt,duration_seconds⏎p,1
        - 2:1: model: is missing; set it on the task or in defaults
        csv model;prompt;duration_seconds⏎sora-2;a, b;x
        - 2:13: duration_seconds: "x" is not a whole number; write 1 to 10
        csv model␉prompt␉duration_seconds⏎sora-2␉a␉9,5
        - 2:10: duration_seconds: "9,5" is not a whole number; write 1 to 10
        csv §⏎sora-2,"a⏎b,1
        - 2:8: syntax: the closing quote of this cell is missing; add a double quote at its end
        csv §⏎sora-2,a"b,1
        - 2:9: syntax: a double quote appears inside an unquoted cell; quote the whole cell and double the quotes \#
        inside it
        csv §⏎sora-2,"a" ,1
        - 2:11: syntax: text follows the closing quote of a cell; double the quotes inside a quoted cell
        csv §⏎sora-2,,1
        - 2:1: prompt: is missing; set it on the task or in defaults
        csv §⏎sora-2,"  ",1
        - 2:8: prompt: is empty; describe the clip
        csv §⏎,p,1
        - 2:1: model: is missing; set it on the task or in defaults
        csv "model⏎sora-2
        - 1:1: syntax: the closing quote of this cell is missing; add a double quote at its end
        csv §,id⏎sora-2,p,1,a⏎sora-2,q,1,a
        - 3:12: id: "a" is already the id of the task at 2:12; give each task a unique id
        csv §,output⏎sora-2,p,1,a.mp4⏎sora-2,q,1,a.mp4
        - 3:12: output: "a.mp4" is already the output at 2:12; give each task a different file name
        tsv model␉prompt␉duration_seconds⏎sora-2␉"a␉1
        - 2:8: syntax: the closing quote of this cell is missing; add a double quote at its end
        tsv model,prompt,duration_seconds⏎sora-2,p,1
        - 1:1: model,prompt,duration_seconds: is not a known field; the file may use another separator: try --format csv
        - 2:1: model: is missing; set it on the task or in defaults
        - 2:1: prompt: is missing; set it on the task or in defaults
        - 2:1: duration_seconds: is missing; set it on the task or in defaults
        """#

    /// Variables and repeats.
    static let variables = #"""
        json [{§,"vars":["a"]}]
        - 1:61: vars: is a list; write names and texts, such as subject: a stag
        json [{§,"vars":{"a b":"x","":"y","c":1,"d":true,"e":{},"f":"\u0007"}}]
        - 1:62: vars: has an invalid variable name; use letters, digits, _ and -
        - 1:72: vars: has an invalid variable name; use letters, digits, _ and -
        - 1:83: vars.c: is 1, not text; put it in quotes
        - 1:89: vars.d: is true, not text; put it in quotes
        - 1:98: vars.e: is an object; write a single text
        - 1:105: vars.f: contains the control character \u{7}; remove it
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{fox}}"}]
        - 1:50: prompt: uses the variable fox, which this task does not have; add it to vars, or write {{{{ for two \#
        literal braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{fox}}","vars":{"fix":"x"}}]
        - 1:50: prompt: uses the variable fox, which this task does not have; did you mean fix?
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{","vars":{"x":"y"}}]
        - 1:50: prompt: has braces without a variable name at "{{"; write {{name}} for a variable, or {{{{ for two \#
        literal braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{x}"}]
        - 1:50: prompt: has braces without a variable name at "{{x}"; write {{name}} for a variable, or {{{{ for two \#
        literal braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{ }}"}]
        - 1:50: prompt: has braces without a variable name at "{{ }}"; write {{name}} for a variable, or {{{{ for two \#
        literal braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{x y}}"}]
        - 1:50: prompt: has braces without a variable name at "{{x y}}"; write {{name}} for a variable, or {{{{ for \#
        two literal braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{{x}}}","vars":{"x":"y"}}]
        - 1:50: prompt: has braces without a variable name at "{{{x}}}"; write {{name}} for a variable, or {{{{ for \#
        two literal braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"{{x}}","vars":{"x":" "}}]
        - 1:50: prompt: is empty; describe the clip
        json {"defaults":{"prompt":"a {{x}}","vars":{"y":1}},"tasks":[{"model":"sora-2","duration_seconds":1},⏎{"m\#
        odel":"sora-2","duration_seconds":2,"vars":{"xx":"1"}}]}
        - 1:45: defaults.vars.y: is 1, not text; put it in quotes
        - 1:58: vars.x: is missing: the default prompt at 1:23 uses it; add it to vars, or write {{{{ for two literal \#
        braces
        - 2:1: vars.x: is missing: the default prompt at 1:23 uses it; add it to vars, or write {{{{ for two literal \#
        braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"{{x}}","vars":{"x":"a","x":"b"}}]
        - 1:74: vars.x: appears twice, first at 1:66; remove one of them
        json [{"model":"sora-2","duration_seconds":1,"prompt":"{{x}}","vars":{"x":"a"},"matrix":{"vars.x":["b"]}}]
        - 1:85: matrix.vars.x: is also set on the task, at 1:70; keep one of them
        json [{"model":"sora-2","duration_seconds":1,"prompt":"{{x}}","matrix":{"vars.x":["b",1,"b"],"vars.y \#
        z":["c"]}}]
        - 1:82: matrix.vars.x: is 1, not text; put it in quotes
        - 1:84: matrix.vars.x: repeats the value at 1:78; remove one of them
        - 1:89: matrix.vars.y z: has an invalid variable name; use letters, digits, _ and -
        json [{§,"repeat":3}]
        - 1:63: repeat: needs a seed to count from; add a first seed, such as seed: 1
        json [{§,"seed":1,"repeat":0}]
        - 1:72: repeat: is 0; write a number from 1 to 100000
        json [{§,"seed":1,"repeat":100001}]
        - 1:72: repeat: is 100001; write a number from 1 to 100000
        json [{§,"seed":1,"repeat":"3"}]
        - 1:72: repeat: is the text "3"; write a whole number without quotes
        json [{§,"seed":1,"repeat":[1,2]}]
        - 1:72: repeat: is a list; write a whole number
        json [{§,"seed":9223372036854775807,"repeat":2}]
        - 1:90: repeat: counts seeds from 9223372036854775807 past 64 bits; use a smaller seed or fewer repeats
        json [{§,"repeat":2,"matrix":{"seed":[1,2]}}]
        - 1:63: repeat: counts up from one seed, but matrix.seed lists several; keep one of them
        json [{§,"seed":"a","repeat":2}]
        - 1:61: seed: is the text "a"; write a whole number without quotes
        json [{§,"seed":1,"repeat":50001,"matrix":{"resolution":["720p","1080p"]}}]
        - 1:87: matrix: makes 100002 tasks; split it, since one task makes at most 100000
        json [{§,"seed":1,"repeat":2,"output":"a.mp4"}]
        - 1:83: output: would be the same file for all repeats; remove it; files are then named by key
        json [{§,"id":"a","seed":1,"repeat":2},{§,"id":"a/repeat=2"}]
        - 1:141: id: "a/repeat=2" is already the id of the task at 1:59; give each task a unique id
        json [{§,"repet":2}]
        - 1:54: repet: is not a known field; did you mean repeat?
        json [{§,"variables":{}}]
        - 1:54: variables: is not a known field; did you mean vars?
        json [{§,"times":2}]
        - 1:54: times: is not a known field; did you mean repeat?
        """#

    /// Values that a model does not support, and misspelled names.
    static let models = #"""
        json [{"model":"veo-3.1","prompt":"p","duration_seconds":9}]
        - 1:53: duration_seconds: 9 is not supported by veo-3.1; write 1 to 8
        json [{"model":"veo-3.1-fast","prompt":"p","duration_seconds":5,"resolution":"1080p","style_preset":"none"\#
        }]
        - 1:73: resolution: "1080p" is not supported by veo-3.1-fast; write 720p
        - 1:96: style_preset: is not a field of veo-3.1-fast; remove it, or choose a model that has it
        json [{"model":"sora-2-pro","prompt":"p","duration_seconds":21,"aspect_ratio":"9:21","motion_intensity":"l\#
        ow"}]
        - 1:56: duration_seconds: 21 is not supported by sora-2-pro; write 1 to 20
        - 1:74: aspect_ratio: "9:21" is not supported by sora-2-pro; write 16:9, 9:16 or 1:1
        - 1:100: motion_intensity: is not a field of sora-2-pro; remove it, or choose a model that has it
        json [{"model":"","prompt":"","duration_seconds":""}]
        - 1:11: model: is empty; write 1 to 200 bytes
        - 1:23: prompt: is empty; describe the clip
        - 1:45: duration_seconds: is the text ""; write a whole number without quotes
        json [{"model":7,"prompt":7,"duration_seconds":"7"}]
        - 1:11: model: is 7, not text; put it in quotes
        - 1:22: prompt: is 7, not text; put it in quotes
        - 1:43: duration_seconds: is the text "7"; write a whole number without quotes
        json [{"model":"sora-2","prompt":"p"}]
        - 1:2: duration_seconds: is missing; set it on the task or in defaults
        json [{"prompt":"p","duration_seconds":1}]
        - 1:2: model: is missing; set it on the task or in defaults
        json [{}]
        - 1:2: model: is missing; set it on the task or in defaults
        - 1:2: prompt: is missing; set it on the task or in defaults
        - 1:2: duration_seconds: is missing; set it on the task or in defaults
        json [{§,"callback_url":"https://x"}]
        - 1:54: callback_url: is set by the runner, not by a task; remove it
        json [{§,"stream":true,"params":{},"task_id":"x"}]
        - 1:54: stream: is set by the runner, not by a task; remove it
        - 1:68: params: is set by the runner, not by a task; remove it
        - 1:80: task_id: is set by the runner, not by a task; remove it
        json [{§,"text":"x","seconds":3,"size":"x","ratio":"y","image":"z","name":"n"}]
        - 1:54: text: is not a known field; did you mean prompt?
        - 1:65: seconds: is not a known field; did you mean duration_seconds?
        - 1:77: size: is not a known field; did you mean resolution?
        - 1:88: ratio: is not a known field; did you mean aspect_ratio?
        - 1:100: image: is not a known field; did you mean image_init?
        - 1:112: name: is not a known field; did you mean id?
        json [{§,"batch":"x"}]
        - 1:54: batch: is not allowed in a task; write it once, in a first line without prompt and model, or next to \#
        tasks
        json [{§,"extra":"x"}]
        - 1:62: extra: is a single value; write the names and values of fields
        json [{§,"id":"\u202e"},{§,"id":"a\u0000"}]
        - 1:59: id: is empty; write 1 to 200 bytes
        - 1:126: id: contains the control character \u{0}; remove it
        """#
}
