/// Slips of the hand, by format.
extension BrokenManifests {
    /// In JSON and JSONL.
    static let jsonSlips = #"""
        json {"tasks":[{§},]}
        - 1:64: syntax: expected a value; fix the JSON here
        json {"tasks":[{§,}]}
        - 1:63: syntax: expected a member name in double quotes after ,; fix the JSON here
        json {'tasks':[{§}]}
        - 1:2: syntax: expected a member name in double quotes or }; fix the JSON here
        json [{§}] // done
        - 1:56: syntax: expected the end of the text after its value; fix the JSON here
        json [{§, "seed": 01}]
        - 1:64: syntax: a number does not start with 0; fix the JSON here
        json [{§, "seed": +1}]
        - 1:63: syntax: expected a value; a number starts with a digit or -; fix the JSON here
        json [{§, "seed": .5}]
        - 1:63: syntax: expected a value; a number starts with a digit or -; fix the JSON here
        json [{§, "seed": 1.}]
        - 1:65: syntax: expected a digit after the decimal point; fix the JSON here
        json [{§, "seed": 1e}]
        - 1:65: syntax: expected a digit in the exponent; fix the JSON here
        json [{§, "seed": NaN}]
        - 1:63: syntax: expected a value; JSON does not support NaN or Infinity; fix the JSON here
        json [{§, "seed": Infinity}]
        - 1:63: syntax: expected a value; JSON does not support NaN or Infinity; fix the JSON here
        json [{§, "tags": {"a": True}}]
        - 1:69: syntax: expected a value; true, false and null are in lower case; fix the JSON here
        json [{§, "id": nul}]
        - 1:61: syntax: expected null; fix the JSON here
        json [{§, "id": "a␉b"}]
        - 1:63: syntax: a control character in a string must be written as \t; fix the JSON here
        json [{§, "id": "a\q"}]
        - 1:63: syntax: invalid escape; use \ with one of " \ / b f n r t u; fix the JSON here
        json [{§, "id": "\u12"}]
        - 1:62: syntax: expected four hexadecimal digits after \u; fix the JSON here
        json [{§, "id": "\ud800"}]
        - 1:62: syntax: unpaired half of a surrogate pair; fix the JSON here
        json [{§, "id": "\udc00\ud800"}]
        - 1:62: syntax: unpaired half of a surrogate pair; fix the JSON here
        json [{§ "id": "a"}]
        - 1:54: syntax: expected , or } after a member; fix the JSON here
        json [{§, "id" "a"}]
        - 1:60: syntax: expected : after a member name; fix the JSON here
        json [{§, id: "a"}]
        - 1:55: syntax: expected a member name in double quotes after ,; fix the JSON here
        json [{§}
        - 1:54: syntax: expected , or ] after an element; fix the JSON here
        json {"tasks":[{§}]
        - 1:64: syntax: expected , or } after a member; fix the JSON here
        json ␇[{§}]
        - 1:1: syntax: expected a value; fix the JSON here
        jsonl {§}⏎{§,}⏎{§
        - 2:53: syntax: expected a member name in double quotes after ,; fix the JSON here
        - 3:52: syntax: expected , or } after a member; fix the JSON here
        jsonl {§}⏎,⏎{§}
        - 2:1: syntax: expected a value; fix the JSON here
        jsonl [⏎{§}⏎]
        - 1:2: syntax: expected a value, found the end of the text; fix the JSON here
        - 3:1: syntax: expected a value; fix the JSON here
        jsonl {§}{§}
        - 1:53: syntax: expected the end of the text after its value; fix the JSON here
        jsonl {"batch":"b","default":{}}⏎{§}
        - 1:14: default: is not a known field; did you mean defaults?
        jsonl {"batch":"b","tasks":[]}⏎{§}
        - 1:14: tasks: is not a known field; only batch, defaults are allowed here
        jsonl {"batch":"b","batch":"c"}⏎{§}
        - 1:14: batch: appears twice, first at 1:2; remove one of them
        jsonl {"defaults":{"model":"sora-2","duration_seconds":99}}⏎{"prompt":"p"}⏎{"prompt":"q"}
        - 1:50: defaults.duration_seconds: 99 is not supported by sora-2; write 1 to 10
        jsonl {§,"id":"x"}⏎{§,"id":"x"}⏎{§,"id":"x"}
        - 2:58: id: "x" is already the id of the task at 1:58; give each task a unique id
        - 3:58: id: "x" is already the id of the task at 1:58; give each task a unique id
        jsonl {§,"id":"x","seed":"y"}⏎{§,"id":"x"}
        - 1:69: seed: is the text "y"; write a whole number without quotes
        - 2:58: id: "x" is already the id of the task at 1:58; give each task a unique id
        jsonl {§}⏎{"batch":"b","prompt":"p","model":"sora-2"}
        - 2:1: duration_seconds: is missing; set it on the task or in defaults
        - 2:2: batch: is not allowed in a task; write it once, in a first line without prompt and model, or next to \#
        tasks
        """#

    /// In YAML.
    static let yamlSlips = #"""
        yaml tasks:⏎- {§}⏎ - {§}
        - 3:2: syntax: did not find expected key while parsing a block mapping; fix the YAML here (often the \#
        indentation, a missing quote or a colon in a text)
        yaml tasks:⏎␉- {§}
        - 2:1: syntax: found character that cannot start any token while scanning for the next token; fix the YAML \#
        here (often the indentation, a missing quote or a colon in a text)
        yaml - {§⏎- {§}
        - 2:3: syntax: did not find expected ',' or '}' while parsing a flow mapping; fix the YAML here (often the \#
        indentation, a missing quote or a colon in a text)
        yaml - prompt: it's "fine" here: no⏎  model: sora-2
        - 1:27: syntax: mapping values are not allowed in this context; fix the YAML here (often the indentation, a \#
        missing quote or a colon in a text)
        yaml - prompt: 'it's'
        - 1:15: syntax: did not find expected key while parsing a block mapping; fix the YAML here (often the \#
        indentation, a missing quote or a colon in a text)
        yaml - prompt: @home
        - 1:11: syntax: found character that cannot start any token while scanning for the next token; fix the YAML \#
        here (often the indentation, a missing quote or a colon in a text)
        yaml - prompt: %x
        - 1:11: syntax: found character that cannot start any token while scanning for the next token; fix the YAML \#
        here (often the indentation, a missing quote or a colon in a text)
        yaml - prompt: `x`
        - 1:11: syntax: found character that cannot start any token while scanning for the next token; fix the YAML \#
        here (often the indentation, a missing quote or a colon in a text)
        yaml - prompt: [a, b]⏎  model: sora-2⏎  duration_seconds: 1
        - 1:11: prompt: is a list; write a single text
        yaml - prompt: {a: b}⏎  model: sora-2⏎  duration_seconds: 1
        - 1:11: prompt: is an object; write a single text
        yaml - prompt: |⏎  model: sora-2
        - 1:3: duration_seconds: is missing; set it on the task or in defaults
        - 1:11: prompt: is empty; describe the clip
        yaml - prompt: >⏎    a⏎  model: sora-2⏎  duration_seconds: 1⏎ seed: 1
        - 5:2: syntax: did not find expected '-' indicator while parsing a block collection; fix the YAML here (often \#
        the indentation, a missing quote or a colon in a text)
        yaml - {§, id: a}⏎- model: sora-2⏎  prompt: Boat number #7 leaves⏎  duration_seconds: 1 # fine⏎  id: b #1⏎  \#
        tags:⏎    client: acme # 2⏎  extra: {x: 5, y: [a b # c⏎    ]}⏎
        - 3:23: prompt: everything after # would be dropped; put the text in quotes
        - 5:9: id: everything after # would be dropped; put the text in quotes
        - 7:18: tags.client: everything after # would be dropped; put the text in quotes
        - 8:25: extra.y[0]: everything after # would be dropped; put the text in quotes
        yaml - model: sora-2⏎  prompt: #7 leaves⏎  duration_seconds: 1⏎  id: #9⏎  seed: #5
        - 1:3: prompt: is missing; set it on the task or in defaults
        - 2:11: prompt: everything after # would be dropped; put the text in quotes
        - 4:7: id: everything after # would be dropped; put the text in quotes
        - 5:9: seed: everything after # would be dropped; put the text in quotes
        yaml - model: sora-2⏎  prompt: a boat⏎    at dawn  # 7⏎  duration_seconds: 1
        - 3:14: prompt: everything after # would be dropped; put the text in quotes
        yaml - {§, id: a  #b⏎  }⏎- {§, id: b  # fine⏎  }⏎
        - 1:58: id: everything after # would be dropped; put the text in quotes
        yaml - model: sora-2⏎  prompt: !wow a boat⏎  duration_seconds: 1⏎  id: &b c⏎  tags: {client: ! "x", n: &n}⏎
        - 2:11: prompt: its first word would be dropped as a YAML tag; put the text in quotes
        - 4:7: id: its first word would be dropped as a YAML anchor; put the text in quotes
        - 5:18: tags.client: its first word would be dropped as a YAML tag; put the text in quotes
        - 5:28: tags.n: its first word would be dropped as a YAML anchor; put the text in quotes
        yaml batch: shots #1⏎defaults: {model: sora-2, duration_seconds: 1, prompt: "a {{x}}"}⏎tasks:⏎- vars:⏎    x: b #2⏎- vars: {x: c}⏎  \#
        matrix:⏎    vars.y: [d, !e f]
        - 1:14: batch: everything after # would be dropped; put the text in quotes
        - 4:3: vars.x: is missing: the default prompt at 2:56 uses it; add it to vars, or write {{{{ for two literal \#
        braces
        - 5:10: vars.x: everything after # would be dropped; put the text in quotes
        - 8:17: matrix.vars.y: its first word would be dropped as a YAML tag; put the text in quotes
        yaml - {§, tags: {!x client: acme}}
        - 1:58: syntax: its first word would be dropped as a YAML tag; put the text in quotes
        yaml - !!int {§}⏎- !x y
        - 2:3: file: this task is a single value; write an object with model and prompt
        yaml - &a {§}⏎- *b
        - 2:3: syntax: found undefined alias; fix the YAML here (often the indentation, a missing quote or a colon in \#
        a text)
        yaml - &a [*a]
        - 1:7: syntax: found undefined alias; fix the YAML here (often the indentation, a missing quote or a colon in \#
        a text)
        yaml --- {§}
        - 1:5: tasks: is missing; write the list of tasks
        - 1:6: model: is not a known field; only batch, defaults, tasks are allowed here
        - 1:21: prompt: is not a known field; only batch, defaults, tasks are allowed here
        - 1:32: duration_seconds: is not a known field; only batch, defaults, tasks are allowed here
        yaml %YAML 3.0⏎---⏎- {§}
        - 1:1: syntax: found incompatible YAML document; fix the YAML here (often the indentation, a missing quote or \#
        a colon in a text)
        yaml - {§, seed: 1_000}
        - 1:57: seed: "1_000" is not a whole number; write a number such as 8
        yaml - {§, seed: 0o17}
        - 1:57: seed: "0o17" is not a whole number; write a number such as 8
        yaml - {§, seed: 1e3}
        - 1:57: seed: 1e3 is not a whole number; write it without a decimal point or exponent
        yaml - {§, seed: yes}
        - 1:57: seed: "yes" is not a whole number; write a number such as 8
        yaml - {§, priority: high}
        - 1:61: priority: "high" is not a whole number; write a number such as 8
        yaml - {§, id: [a]}
        - 1:55: id: is a list; write a single text
        yaml - {§, id: ''}
        - 1:55: id: is empty; write 1 to 200 bytes
        yaml - {§, tags: [a, b]}
        - 1:57: tags: is a list; write names and values, such as client: acme
        yaml - {§, tags: {a: {b: c}}}
        - 1:61: tags.a: is an object; write a single text
        yaml - {§, 1: 2}
        - 1:51: 1: is not a known field; remove it, or move it to extra if the model accepts it
        yaml - {§, Seed: 1}
        - 1:51: Seed: is not a known field; did you mean seed?
        yaml - {§, "prompt ": x}
        - 1:51: prompt : is not a known field; did you mean prompt?
        yaml batch: [a]⏎tasks: [{§}]
        - 1:8: batch: is a list; write a single text
        yaml batch: a⏎batch: b⏎tasks: [{§}]
        - 2:1: batch: appears twice, first at 1:1; remove one of them
        yaml defaults: {matrix: {seed: [1]}, repeat: 2}⏎tasks: [{§}]
        - 1:12: defaults.matrix: applies to a single task; remove it from defaults
        - 1:33: defaults.repeat: applies to a single task; remove it from defaults
        yaml defaults: {batch: x}⏎tasks: [{§}]
        - 1:12: defaults.batch: is not allowed in a task; write it once, in a first line without prompt and model, or \#
        next to tasks
        yaml tasks: {a: {§}}
        - 1:8: tasks: is an object; write a list of tasks
        yaml task: [{§}]
        - 1:1: task: is not a known field; did you mean tasks?
        - 1:1: tasks: is missing; write the list of tasks
        """#
}
