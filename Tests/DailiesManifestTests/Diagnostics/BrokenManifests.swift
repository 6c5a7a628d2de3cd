/// Broken manifests and every word that is said of them.
///
/// A line of a table is a format and a text; the lines after it with a dash are its problems. In a text, `⏎`, `␉` and
/// `␇` are a line end, a tab and a bell, and `§` stands for what a whole task needs at least.
enum BrokenManifests {
    /// Files that cannot be read in any format.
    static let syntax = #"""
        json 
        - 1:1: syntax: the text is empty: expected a value; fix the JSON here
        json {"tasks":[}
        - 1:11: syntax: expected a value; fix the JSON here
        json [1 2]
        - 1:4: syntax: expected , or ] after an element; fix the JSON here
        json {"tasks":[{"prompt":"a}]}
        - 1:21: syntax: this string has no closing quote; fix the JSON here
        jsonl {"model":⏎{"prompt":"p"
        - 1:10: syntax: expected a value, found the end of the text; fix the JSON here
        - 2:14: syntax: expected , or } after a member; fix the JSON here
        jsonl {§} x
        - 1:54: syntax: expected the end of the text after its value; fix the JSON here
        yaml tasks:⏎  - {prompt: [}
        - 2:15: syntax: did not find expected node content while parsing a flow node; fix the YAML here (often the \#
        indentation, a missing quote or a colon in a text)
        yaml a: b: c
        - 1:5: syntax: mapping values are not allowed in this context; fix the YAML here (often the indentation, a \#
        missing quote or a colon in a text)
        yaml - prompt: "open
        - 1:16: syntax: found unexpected end of stream while scanning a quoted scalar; fix the YAML here (often the \#
        indentation, a missing quote or a colon in a text)
        yaml ␉- a
        - 1:1: syntax: found character that cannot start any token while scanning for the next token; fix the YAML \#
        here (often the indentation, a missing quote or a colon in a text)
        yaml - {§}⏎---⏎- {§}
        - 2:1: syntax: a second document starts here; write one document per file
        yaml - prompt: a␇b
        - 1:12: syntax: the character U+0007 is not allowed in YAML; remove it
        yaml - *unknown
        - 1:3: syntax: found undefined alias; fix the YAML here (often the indentation, a missing quote or a colon in \#
        a text)
        yaml ? [a]⏎: b
        - 1:3: syntax: a list or mapping is used as a key; use a plain word
        yaml [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\#
        ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
        - 1:65: syntax: nested deeper than 64 levels; remove the inner levels
        csv §⏎sora-2,"p,1⏎
        - 2:8: syntax: the closing quote of this cell is missing; add a double quote at its end
        csv §⏎sora-2,a "b" c,1⏎
        - 2:10: syntax: a double quote appears inside an unquoted cell; quote the whole cell and double the quotes \#
        inside it
        csv §⏎sora-2,"a"b,1⏎
        - 2:11: syntax: text follows the closing quote of a cell; double the quotes inside a quoted cell
        csv §⏎sora-2,a,b,1⏎sora-2,p⏎sora-2,p,1
        - 2:1: file: this line has 4 cells, but the header has 3; write one cell per column, and quote text that \#
        contains a separator
        - 3:1: file: this line has 2 cells, but the header has 3; write one cell per column, and quote text that \#
        contains a separator
        csv model,,prompt,prompt,tags,matrix,extra,prmpt,tags.a,tags.a⏎
        - 1:15: prompt: is a duplicate column name, first used at 1:8; remove one of them
        - 1:22: tags: is not a column by itself; write a column tags.NAME for each entry
        - 1:27: matrix: is not allowed in CSV; write one line per task, or use YAML or JSONL
        - 1:34: extra: is not a column by itself; write a column extra.NAME for each entry
        - 1:40: prmpt: is not a known field; did you mean prompt? rename it, or use --map prmpt=prompt
        - 1:53: tags.a: is a duplicate column name, first used at 1:46; remove one of them
        jsonl [1]⏎"a"⏎3⏎null⏎
        - 1:1: file: this task is a list; write an object with model and prompt
        - 2:1: file: this task is a single value; write an object with model and prompt
        - 3:1: file: this task is a single value; write an object with model and prompt
        - 4:1: file: this task is empty; write an object with model and prompt
        """#

    /// Files that are not manifests.
    static let shape = #"""
        yaml 
        - 1:1: file: contains no tasks; write at least one
        yaml # nothing⏎
        - 1:1: file: contains no tasks; write at least one
        yaml just text
        - 1:1: file: is a single value; write a list of tasks, or an object with tasks
        json 3
        - 1:1: file: is a single value; write a list of tasks, or an object with tasks
        json []
        - 1:1: file: contains no tasks; write at least one
        json {}
        - 1:1: tasks: is missing; write the list of tasks
        json {"tasks":[]}
        - 1:1: file: contains no tasks; write at least one
        json {"tasks":null}
        - 1:1: file: contains no tasks; write at least one
        json {"tasks":{}}
        - 1:10: tasks: is an object; write a list of tasks
        json {"tasks":"a","batch":"b"}
        - 1:10: tasks: is a single value; write a list of tasks
        csv 
        - 1:1: file: contains no tasks; write at least one
        csv §⏎
        - 1:1: file: contains no tasks; write at least one
        jsonl ⏎⏎
        - 1:1: file: contains no tasks; write at least one
        jsonl {"batch":"b"}⏎
        - 1:1: file: contains no tasks; write at least one
        json {"tasks":[1,"a",[],null,true]}
        - 1:11: file: this task is a single value; write an object with model and prompt
        - 1:13: file: this task is a single value; write an object with model and prompt
        - 1:17: file: this task is a list; write an object with model and prompt
        - 1:20: file: this task is empty; write an object with model and prompt
        - 1:25: file: this task is a single value; write an object with model and prompt
        json {"task":[],"tasks":[{§}],"name":"x"}
        - 1:2: task: is not a known field; did you mean tasks?
        - 1:75: name: is not a known field; only batch, defaults, tasks are allowed here
        json {"batch":"","tasks":[{§}]}
        - 1:10: batch: is empty; write 1 to 200 bytes
        json {"batch":7,"tasks":[{§}]}
        - 1:10: batch: is 7, not text; put it in quotes
        json {"batch":"a\u0007b","tasks":[{§}]}
        - 1:10: batch: contains the control character \u{7}; remove it
        json {"defaults":[],"tasks":[{§}]}
        - 1:13: defaults: is a list; write fields and values, such as model: sora-2-pro
        json {"defaults":{"id":"a","output":"b","matrix":{},"promt":"x","seed":"1","tags":3},"tasks":[{§}]}
        - 1:14: defaults.id: applies to a single task; remove it from defaults
        - 1:23: defaults.output: applies to a single task; remove it from defaults
        - 1:36: defaults.matrix: applies to a single task; remove it from defaults
        - 1:48: defaults.promt: is not a known field; did you mean prompt?
        - 1:67: defaults.seed: is the text "1"; write a whole number without quotes
        - 1:78: defaults.tags: is a single value; write names and values, such as client: acme
        jsonl {§}⏎{"batch":"b"}⏎{"defaults":{}}
        - 2:1: file: only the first line may contain batch and defaults; move it there
        - 3:1: file: only the first line may contain batch and defaults; move it there
        jsonl {"batch":"b","prompt":"p"}
        - 1:1: model: is missing; set it on the task or in defaults
        - 1:1: duration_seconds: is missing; set it on the task or in defaults
        - 1:2: batch: is not allowed in a task; write it once, in a first line without prompt and model, or next to \#
        tasks
        """#
}
