/// Broken manifests and every word that is said of them.
///
/// A line of a table is a format and a text; the lines after it with a dash are its problems. In a text, `⏎`, `␉` and
/// `␇` are a line end, a tab and a bell, and `§` stands for what a whole task needs at least.
enum BrokenManifests {
    /// What no format can be read.
    static let syntax = #"""
        json 
        - 1:1: syntax: the text is empty: expected a value; correct the JSON at this place
        json {"tasks":[}
        - 1:11: syntax: expected a value; correct the JSON at this place
        json [1 2]
        - 1:4: syntax: expected , or ] after an element; correct the JSON at this place
        json {"tasks":[{"prompt":"a}]}
        - 1:21: syntax: this text has no closing quote; correct the JSON at this place
        jsonl {"model":⏎{"prompt":"p"
        - 1:10: syntax: expected a value, found the end of the text; correct the JSON at this place
        - 2:14: syntax: expected , or } after a member; correct the JSON at this place
        jsonl {§} x
        - 1:54: syntax: expected the end of the text after its value; correct the JSON at this place
        yaml tasks:⏎  - {prompt: [}
        - 2:15: syntax: did not find expected node content while parsing a flow node; correct the YAML here \#
        (often it is the indentation, a missing quote or a colon in a text)
        yaml a: b: c
        - 1:5: syntax: mapping values are not allowed in this context; correct the YAML here (often it is the \#
        indentation, a missing quote or a colon in a text)
        yaml - prompt: "open
        - 1:16: syntax: found unexpected end of stream while scanning a quoted scalar; correct the YAML here \#
        (often it is the indentation, a missing quote or a colon in a text)
        yaml ␉- a
        - 1:1: syntax: found character that cannot start any token while scanning for the next token; correct \#
        the YAML here (often it is the indentation, a missing quote or a colon in a text)
        yaml - {§}⏎---⏎- {§}
        - 2:1: syntax: a second document starts here; write one document, or a file for each
        yaml - prompt: a␇b
        - 1:12: syntax: the character U+0007 cannot stand in YAML; remove it
        yaml - *unknown
        - 1:3: syntax: found undefined alias; correct the YAML here (often it is the indentation, a missing \#
        quote or a colon in a text)
        yaml ? [a]⏎: b
        - 1:3: syntax: a list or mapping stands as a key; write a plain word
        yaml [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\#
        ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
        - 1:65: syntax: nested deeper than 64 levels; take out the inner levels
        csv §⏎sora-2,"p,1⏎
        - 2:8: syntax: the quotes of this cell are never closed; add a double quote at its end
        csv §⏎sora-2,a "b" c,1⏎
        - 2:10: syntax: a double quote stands inside a cell without quotes; put the whole cell in quotes and \#
        double those inside it
        csv §⏎sora-2,"a"b,1⏎
        - 2:11: syntax: text stands after the closing quote of a cell; double the quotes inside a quoted cell
        csv §⏎sora-2,a,b,1⏎sora-2,p⏎sora-2,p,1
        - 2:1: file: this line has 4 cells, the first has 3; write a cell for each column, and quotes \#
        around text with a separator in it
        - 3:1: file: this line has 2 cells, the first has 3; write a cell for each column, and quotes \#
        around text with a separator in it
        csv model,,prompt,prompt,tags,matrix,extra,prmpt,tags.a,tags.a⏎
        - 1:15: prompt: names a second column, the first is at 1:8; remove one of them
        - 1:22: tags: is no column by itself; write a column tags.NAME for each of them
        - 1:27: matrix: cannot stand in CSV; write a line for each task, or use YAML or JSONL
        - 1:34: extra: is no column by itself; write a column extra.NAME for each of them
        - 1:40: prmpt: is no known field; did you mean prompt? rename it, or give --map prmpt=prompt
        - 1:53: tags.a: names a second column, the first is at 1:46; remove one of them
        jsonl [1]⏎"a"⏎3⏎null⏎
        - 1:1: file: this task is a list; write an object with model and prompt
        - 2:1: file: this task is a single value; write an object with model and prompt
        - 3:1: file: this task is a single value; write an object with model and prompt
        - 4:1: file: this task is empty; write an object with model and prompt
        """#

    /// What is no manifest.
    static let shape = #"""
        yaml 
        - 1:1: file: holds no tasks; write at least one
        yaml # nothing⏎
        - 1:1: file: holds no tasks; write at least one
        yaml just text
        - 1:1: file: is a single value; write a list of tasks, or an object with tasks
        json 3
        - 1:1: file: is a single value; write a list of tasks, or an object with tasks
        json []
        - 1:1: file: holds no tasks; write at least one
        json {}
        - 1:1: tasks: is missing; write the list of tasks
        json {"tasks":[]}
        - 1:1: file: holds no tasks; write at least one
        json {"tasks":null}
        - 1:1: file: holds no tasks; write at least one
        json {"tasks":{}}
        - 1:10: tasks: is an object; write a list of tasks
        json {"tasks":"a","batch":"b"}
        - 1:10: tasks: is a single value; write a list of tasks
        csv 
        - 1:1: file: holds no tasks; write at least one
        csv §⏎
        - 1:1: file: holds no tasks; write at least one
        jsonl ⏎⏎
        - 1:1: file: holds no tasks; write at least one
        jsonl {"batch":"b"}⏎
        - 1:1: file: holds no tasks; write at least one
        json {"tasks":[1,"a",[],null,true]}
        - 1:11: file: this task is a single value; write an object with model and prompt
        - 1:13: file: this task is a single value; write an object with model and prompt
        - 1:17: file: this task is a list; write an object with model and prompt
        - 1:20: file: this task is empty; write an object with model and prompt
        - 1:25: file: this task is a single value; write an object with model and prompt
        json {"task":[],"tasks":[{§}],"name":"x"}
        - 1:2: task: is no known field; did you mean tasks?
        - 1:75: name: is no known field; only batch, defaults, tasks may stand here
        json {"batch":"","tasks":[{§}]}
        - 1:10: batch: is empty; write 1 to 200 bytes
        json {"batch":7,"tasks":[{§}]}
        - 1:10: batch: is 7, not a text; put it in quotes
        json {"batch":"a\u0007b","tasks":[{§}]}
        - 1:10: batch: holds the control character \u{7}; remove it
        json {"defaults":[],"tasks":[{§}]}
        - 1:13: defaults: is a list; write fields and values, such as model: sora-2-pro
        json {"defaults":{"id":"a","output":"b","matrix":{},"promt":"x","seed":"1","tags":3},"tasks":[{§}]}
        - 1:14: defaults.id: belongs to a single task; remove it from defaults
        - 1:23: defaults.output: belongs to a single task; remove it from defaults
        - 1:36: defaults.matrix: belongs to a single task; remove it from defaults
        - 1:48: defaults.promt: is no known field; did you mean prompt?
        - 1:67: defaults.seed: is the text "1"; write a whole number without quotes
        - 1:78: defaults.tags: is a single value; write names and values, such as client: acme
        jsonl {§}⏎{"batch":"b"}⏎{"defaults":{}}
        - 2:1: file: only the first line may hold batch and defaults; move it there
        - 3:1: file: only the first line may hold batch and defaults; move it there
        jsonl {"batch":"b","prompt":"p"}
        - 1:1: model: is missing; every task needs one, its own or from defaults
        - 1:1: duration_seconds: is missing; every task needs one, its own or from defaults
        - 1:2: batch: cannot stand in a task; write it once: in a first line without prompt and model, or \#
        beside tasks
        """#
}
