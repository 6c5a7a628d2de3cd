/// Slips of the hand in tables, and in what makes several tasks of one.
extension BrokenManifests {
    /// In CSV and TSV.
    static let csvSlips = #"""
        csv §,seed⏎sora-2,p,1,1,2⏎sora-2,p,1⏎
        - 2:1: file: this line has 5 cells, the first has 4; write a cell for each column, and quotes around text \#
        with a separator in it
        - 3:1: file: this line has 3 cells, the first has 4; write a cell for each column, and quotes around text \#
        with a separator in it
        csv §,seed⏎sora-2,p,1,1.5⏎sora-2,p,1,"1,5"⏎sora-2,p,1,1e3
        - 2:12: seed: 1.5 is not a whole number; write it without point and exponent
        - 3:12: seed: "1,5" is not a whole number; write one such as 8
        - 4:12: seed: 1e3 is not a whole number; write it without point and exponent
        csv §,sead,repeat⏎sora-2,p,1,1,2⏎
        - 1:31: sead: is no known field; did you mean seed? rename it, or give --map sead=seed
        - 2:14: repeat: needs a seed to count from; write seed: 1, or another first one
        csv §,,⏎sora-2,p,1,,⏎sora-2,p,1, ,x⏎
        - 3:14: file: this column has no name; name its field in the first line
        csv §⏎sora-2,p,1,,,⏎sora-2,p,1,,x⏎
        - 3:1: file: this line has 5 cells, the first has 3; write a cell for each column, and quotes around text \#
        with a separator in it
        csv §,Seed,SEED⏎sora-2,p,1,1,2⏎
        - 1:36: SEED: names a second column, the first is at 1:31; remove one of them
        csv ID,Prompt,Model,Duration,tag:client,Notes,Shot Length⏎
        - 1:17: Duration: is no known field; did you mean duration_seconds? rename it, or give --map \#
        Duration=duration_seconds
        - 1:26: tag:client: is no known field; did you mean tags.client? rename it, or give --map tag:client=tags.client
        - 1:37: Notes: is no known field; call it tags.Notes if it is a tag, extra.Notes if the model takes it, or pass \#
        over it with --map Notes=
        - 1:43: Shot Length: is no known field; call it tags.Shot Length if it is a tag, extra.Shot Length if the model \#
        takes it, or pass over it with --map 'Shot Length='
        csv §,Out Task ID⏎
        - 1:31: Out Task ID: is set by the runner, not by a task; remove it
        csv §,tags⏎sora-2,p,1,x
        - 1:31: tags: is no column by itself; write a column tags.NAME for each of them
        csv §,vars.a b⏎sora-2,p,1,x
        - 1:31: vars.a b: has a name that is no variable's; call it by letters, digits, _ and -
        csv §,vars.⏎sora-2,p,1,x
        - 1:31: vars.: has a name that is no variable's; call it by letters, digits, _ and -
        csv §,tags.⏎sora-2,p,1,x
        - 1:31: tags.: has a name that is empty; write 1 to 200 bytes
        csv §,extra.model⏎sora-2,p,1,x
        - 1:31: extra.model: is a field of its own; call the column model
        csv §,out_task_id⏎sora-2,p,1,x
        - 1:31: out_task_id: is set by the runner, not by a task; remove it
        csv prompt,duration_seconds⏎p,1
        - 2:1: model: is missing; every task needs one, its own or from defaults
        csv model;prompt;duration_seconds⏎sora-2;a, b;x
        - 2:13: duration_seconds: "x" is not a whole number; write 1 to 10
        csv model␉prompt␉duration_seconds⏎sora-2␉a␉9,5
        - 2:10: duration_seconds: "9,5" is not a whole number; write 1 to 10
        csv §⏎sora-2,"a⏎b,1
        - 2:8: syntax: the quotes of this cell are never closed; add a double quote at its end
        csv §⏎sora-2,a"b,1
        - 2:9: syntax: a double quote stands inside a cell without quotes; put the whole cell in quotes and \#
        double those inside it
        csv §⏎sora-2,"a" ,1
        - 2:11: syntax: text stands after the closing quote of a cell; double the quotes inside a quoted cell
        csv §⏎sora-2,,1
        - 2:1: prompt: is missing; every task needs one, its own or from defaults
        csv §⏎sora-2,"  ",1
        - 2:8: prompt: is empty; describe the clip
        csv §⏎,p,1
        - 2:1: model: is missing; every task needs one, its own or from defaults
        csv "model⏎sora-2
        - 1:1: syntax: the quotes of this cell are never closed; add a double quote at its end
        csv §,id⏎sora-2,p,1,a⏎sora-2,q,1,a
        - 3:12: id: "a" is the id of the task at 2:12 already; give each task an id of its own
        csv §,output⏎sora-2,p,1,a.mp4⏎sora-2,q,1,a.mp4
        - 3:12: output: "a.mp4" is the output at 2:12 already; give each task a file of its own
        tsv model␉prompt␉duration_seconds⏎sora-2␉"a␉1
        - 2:8: syntax: the quotes of this cell are never closed; add a double quote at its end
        tsv model,prompt,duration_seconds⏎sora-2,p,1
        - 1:1: model,prompt,duration_seconds: is no known field; its cells may be separated in another way: give \#
        --format csv
        - 2:1: model: is missing; every task needs one, its own or from defaults
        - 2:1: prompt: is missing; every task needs one, its own or from defaults
        - 2:1: duration_seconds: is missing; every task needs one, its own or from defaults
        """#

    /// Variables and repeats.
    static let variables = #"""
        json [{§,"vars":["a"]}]
        - 1:61: vars: is a list; write names and texts, such as subject: a stag
        json [{§,"vars":{"a b":"x","":"y","c":1,"d":true,"e":{},"f":"\u0007"}}]
        - 1:62: vars: has a name that is no variable's; call it by letters, digits, _ and -
        - 1:72: vars: has a name that is no variable's; call it by letters, digits, _ and -
        - 1:83: vars.c: is 1, not a text; put it in quotes
        - 1:89: vars.d: is true, not a text; put it in quotes
        - 1:98: vars.e: is an object; write one text
        - 1:105: vars.f: holds the control character \u{7}; remove it
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{fox}}"}]
        - 1:50: prompt: asks for the variable fox, which this task has not; give it in vars, or write {{{{ for \#
        two braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{fox}}","vars":{"fix":"x"}}]
        - 1:50: prompt: asks for the variable fox, which this task has not; did you mean fix?
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{","vars":{"x":"y"}}]
        - 1:50: prompt: has braces that hold no variable, at "{{"; write {{name}} for a variable, and {{{{ for \#
        two braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{x}"}]
        - 1:50: prompt: has braces that hold no variable, at "{{x}"; write {{name}} for a variable, and {{{{ for \#
        two braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{ }}"}]
        - 1:50: prompt: has braces that hold no variable, at "{{ }}"; write {{name}} for a variable, and {{{{ for \#
        two braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{x y}}"}]
        - 1:50: prompt: has braces that hold no variable, at "{{x y}}"; write {{name}} for a variable, and {{{{ \#
        for two braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"a {{{x}}}","vars":{"x":"y"}}]
        - 1:50: prompt: has braces that hold no variable, at "{{{x}}}"; write {{name}} for a variable, and {{{{ \#
        for two braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"{{x}}","vars":{"x":" "}}]
        - 1:50: prompt: is empty; describe the clip
        json {"defaults":{"prompt":"a {{x}}","vars":{"y":1}},"tasks":[{"model":"sora-2","duration_seconds":1},⏎{"m\#
        odel":"sora-2","duration_seconds":2,"vars":{"xx":"1"}}]}
        - 1:45: defaults.vars.y: is 1, not a text; put it in quotes
        - 1:58: vars.x: is missing: the prompt of defaults at 1:23 asks for it; give it in vars, or write {{{{ \#
        for two braces
        - 2:1: vars.x: is missing: the prompt of defaults at 1:23 asks for it; give it in vars, or write {{{{ for \#
        two braces
        json [{"model":"sora-2","duration_seconds":1,"prompt":"{{x}}","vars":{"x":"a","x":"b"}}]
        - 1:74: vars.x: is given again, first at 1:66; remove one of them
        json [{"model":"sora-2","duration_seconds":1,"prompt":"{{x}}","vars":{"x":"a"},"matrix":{"vars.x":["b"]}}]
        - 1:85: matrix.vars.x: is given for the task too, at 1:70; keep one of them
        json [{"model":"sora-2","duration_seconds":1,"prompt":"{{x}}","matrix":{"vars.x":["b",1,"b"],"vars.y \#
        z":["c"]}}]
        - 1:82: matrix.vars.x: is 1, not a text; put it in quotes
        - 1:84: matrix.vars.x: has this value already, at 1:78; remove one of them
        - 1:89: matrix.vars.y z: has a name that is no variable's; call it by letters, digits, _ and -
        json [{§,"repeat":3}]
        - 1:63: repeat: needs a seed to count from; write seed: 1, or another first one
        json [{§,"seed":1,"repeat":0}]
        - 1:72: repeat: is 0; write a number from 1 to 100000
        json [{§,"seed":1,"repeat":100001}]
        - 1:72: repeat: is 100001; write a number from 1 to 100000
        json [{§,"seed":1,"repeat":"3"}]
        - 1:72: repeat: is the text "3"; write a whole number without quotes
        json [{§,"seed":1,"repeat":[1,2]}]
        - 1:72: repeat: is a list; write a whole number
        json [{§,"seed":9223372036854775807,"repeat":2}]
        - 1:90: repeat: counts seeds from 9223372036854775807 beyond 64 bits; write a smaller seed, or repeat it \#
        less
        json [{§,"repeat":2,"matrix":{"seed":[1,2]}}]
        - 1:63: repeat: counts seeds from one, and matrix.seed gives several; keep one of them
        json [{§,"seed":"a","repeat":2}]
        - 1:61: seed: is the text "a"; write a whole number without quotes
        json [{§,"seed":1,"repeat":50001,"matrix":{"resolution":["720p","1080p"]}}]
        - 1:87: matrix: makes 100002 tasks; at most 100000 come from one task: split it
        json [{§,"seed":1,"repeat":2,"output":"a.mp4"}]
        - 1:83: output: would be one file for all repeats; remove it: files are named by key
        json [{§,"id":"a","seed":1,"repeat":2},{§,"id":"a/repeat=2"}]
        - 1:141: id: "a/repeat=2" is the id of the task at 1:59 already; give each task an id of its own
        json [{§,"repet":2}]
        - 1:54: repet: is no known field; did you mean repeat?
        json [{§,"variables":{}}]
        - 1:54: variables: is no known field; did you mean vars?
        json [{§,"times":2}]
        - 1:54: times: is no known field; did you mean repeat?
        """#

    /// Values that a model does not take, and names that are near.
    static let models = #"""
        json [{"model":"veo-3.1","prompt":"p","duration_seconds":9}]
        - 1:53: duration_seconds: 9 is not what veo-3.1 renders; write 1 to 8
        json [{"model":"veo-3.1-fast","prompt":"p","duration_seconds":5,"resolution":"1080p","style_preset":"none"\#
        }]
        - 1:73: resolution: "1080p" is not what veo-3.1-fast takes; write 720p
        - 1:96: style_preset: is no field of veo-3.1-fast; remove it, or choose a model that has it
        json [{"model":"sora-2-pro","prompt":"p","duration_seconds":21,"aspect_ratio":"9:21","motion_intensity":"l\#
        ow"}]
        - 1:56: duration_seconds: 21 is not what sora-2-pro renders; write 1 to 20
        - 1:74: aspect_ratio: "9:21" is not what sora-2-pro takes; write 16:9, 9:16 or 1:1
        - 1:100: motion_intensity: is no field of sora-2-pro; remove it, or choose a model that has it
        json [{"model":"","prompt":"","duration_seconds":""}]
        - 1:11: model: is empty; write 1 to 200 bytes
        - 1:23: prompt: is empty; describe the clip
        - 1:45: duration_seconds: is the text ""; write a whole number without quotes
        json [{"model":7,"prompt":7,"duration_seconds":"7"}]
        - 1:11: model: is 7, not a text; put it in quotes
        - 1:22: prompt: is 7, not a text; put it in quotes
        - 1:43: duration_seconds: is the text "7"; write a whole number without quotes
        json [{"model":"sora-2","prompt":"p"}]
        - 1:2: duration_seconds: is missing; every task needs one, its own or from defaults
        json [{"prompt":"p","duration_seconds":1}]
        - 1:2: model: is missing; every task needs one, its own or from defaults
        json [{}]
        - 1:2: model: is missing; every task needs one, its own or from defaults
        - 1:2: prompt: is missing; every task needs one, its own or from defaults
        - 1:2: duration_seconds: is missing; every task needs one, its own or from defaults
        json [{§,"callback_url":"https://x"}]
        - 1:54: callback_url: is set by the runner, not by a task; remove it
        json [{§,"stream":true,"params":{},"task_id":"x"}]
        - 1:54: stream: is set by the runner, not by a task; remove it
        - 1:68: params: is set by the runner, not by a task; remove it
        - 1:80: task_id: is set by the runner, not by a task; remove it
        json [{§,"text":"x","seconds":3,"size":"x","ratio":"y","image":"z","name":"n"}]
        - 1:54: text: is no known field; did you mean prompt?
        - 1:65: seconds: is no known field; did you mean duration_seconds?
        - 1:77: size: is no known field; did you mean resolution?
        - 1:88: ratio: is no known field; did you mean aspect_ratio?
        - 1:100: image: is no known field; did you mean image_init?
        - 1:112: name: is no known field; did you mean id?
        json [{§,"batch":"x"}]
        - 1:54: batch: cannot stand in a task; write it once: in a first line without prompt and model, or beside \#
        tasks
        json [{§,"extra":"x"}]
        - 1:62: extra: is a single value; write the names and values of fields
        json [{§,"id":"\u202e"},{§,"id":"a\u0000"}]
        - 1:59: id: is empty; write 1 to 200 bytes
        - 1:126: id: holds the control character \u{0}; remove it
        """#
}
