# Metric math and the rules of composite alarms, token by token: each is judged by the one before it, and functions by how many
# arguments they have. How kinds of values fit together (a number where a series is needed) is left to the crate and to
# CloudWatch, which refuses such an alarm.

locals {
  functions = [
    "ABS", "AVG", "CEIL", "DATAPOINT_COUNT", "DIFF", "DIFF_TIME", "FILL", "FIRST", "LAST", "FLOOR", "IF", "LOG", "LOG10", "MAX", "METRIC_COUNT", "METRICS", "MIN",
    "MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH", "PERIOD", "RATE", "REMOVE_EMPTY", "RUNNING_SUM", "STDDEV", "SUM", "TIME_SERIES",
  ]

  math_tokens = "\\s+|[0-9.][0-9.eE]*(?:[eE][+-][0-9]+)?|[A-Za-z][A-Za-z0-9_]*|\"[^\"]*\"|'[^']*'|&&|\\|\\||==|!=|<=|>=|[-<>+*/^()\\[\\],]|(?s:.)"

  expressions = { for one in local.readable : "${one.file} ${one.index}" => { text = tostring(one.rule.expression), ids = one.ids } if contains(one.given, "expression") && one.rule.kind != "composite" }

  math_texts = { for key, expression in local.expressions : key => regexall(local.math_tokens, expression.text) }

  # What there is but space, with its place among all.
  math = { for key, texts in local.math_texts : key => [
    for token in [for at, text in texts : { text = text, at = at } if trimspace(text) != ""] : merge(token, {
      is = (
        contains(["AND", "OR", "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "^"], token.text) ? "operator" :
        contains(["(", ")", "[", "]", ","], token.text) ? token.text :
        can(regex("^[0-9]*\\.?[0-9]*([eE][+-]?[0-9]+)?$", token.text)) && can(tonumber(token.text)) ? "number" :
        can(regex("^[0-9.]", token.text)) ? "not a number" :
        can(regex("^[A-Za-z]", token.text)) ? "word" :
        can(regex("^([\"']).*[\"']$", token.text)) && length(token.text) > 1 ? "text" : "nothing"
      )
      found = (
        contains(["AND", "OR", "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "^"], token.text) ? "an operator" :
        can(regex("^[\"'].", token.text)) ? "\"${substr(token.text, 1, length(token.text) - 2)}\"" : "`${token.text}`"
      )
    })
  ] }

  # How many brackets are open before each token.
  math_depths = { for key, tokens in local.math : key => [for i, token in tokens :
    length([for before in slice(tokens, 0, i) : before if contains(["(", "["], before.is)]) - length([for before in slice(tokens, 0, i) : before if contains([")", "]"], before.is)])
  ] }

  # Places of each function, of the bracket that closes it (the end, if none does), and of its own commas.
  math_closed = { for key, tokens in local.math : key => [for i, token in tokens : {
    name  = token.text
    opens = i
    closes = min(concat([length(tokens)], [for j in range(i + 2, length(tokens)) :
      j if contains([")", "]"], tokens[j].is) && local.math_depths[key][j] == local.math_depths[key][i] + 1
    ])...)
  } if token.is == "word" && contains(local.functions, token.text) && try(tokens[i + 1].is == "(", false)] }

  math_calls = { for key, tokens in local.math : key => [for call in local.math_closed[key] : merge(call, {
    commas = [for j in range(call.opens + 2, call.closes) : j if tokens[j].is == "," && local.math_depths[key][j] == local.math_depths[key][call.opens] + 1]
  }) if call.closes < length(tokens)] }

  # The fewest and the most arguments of functions that take another number than one.
  math_arguments = { IF = [2, 3] }

  # As a reader comes upon them: that a function has too few or too many arguments where it closes, told of where it stands; FILL
  # and METRICS, whose arguments are of a form of their own, at the first token that is out of place.
  math_call_errors = { for key, calls in local.math_calls : key => flatten([for call in calls : [for problem in(
    call.name == "FILL" ? [
      { seen = call.closes, at = call.closes, text = length(call.commas) == 0 ? "expected `,`, found `)`" : "" },
      { seen = try(call.commas[1], 0), at = try(call.commas[1], 0), text = length(call.commas) > 1 ? "expected `)`, found `,`" : "" },
    ] :
    call.name == "METRICS" ? [for last in [local.math[key][call.opens + 2].is == "text" ? call.opens + 3 : call.opens + 2] :
      { seen = last, at = last, text = last == call.closes ? "" : "expected `)`, found ${local.math[key][last].found}" }
    ] :
    [for takes in [lookup(local.math_arguments, call.name, [1, 1])] : {
      seen = call.closes
      at   = call.opens
      text = (
        length(call.commas) + 1 >= takes[0] && length(call.commas) + 1 <= takes[1] ? "" :
        "${call.name} takes ${takes[0] == takes[1] ? takes[0] : "${takes[0]} to ${takes[1]}"} arguments, found ${length(call.commas) + 1}"
      )
    }]
  ) : { at = local.math[key][problem.at].at, order = local.math[key][problem.seen].at, first = 1, text = problem.text } if problem.text != ""]]) }

  operand = "expected a metric id, a number or a function"

  math_errors = { for key, tokens in local.math : key => concat(
    [for token in tokens : { at = token.at, order = token.at, first = 0, text = "${
      token.is == "not a number" ? "`${token.text}` is not a number" : contains(["\"", "'"], token.text) ? "this quotation mark is never closed" : "`${token.text}` has no meaning in an expression"
    }" } if contains(["nothing", "not a number"], token.is)],

    [for error in [for i, token in tokens : {
      at = token.at
      text = (
        # Where an operand has to be.
        i == 0 || try(contains(["operator", "(", "[", ","], tokens[i - 1].is), false) ? (
          contains(["number", "(", "["], token.is) || token.text == "-" ? "" :
          contains(["text", ")"], token.is) && try(tokens[i - 2].text == "METRICS" && tokens[i - 1].is == "(", false) ? "" :
          token.is != "word" ? "${local.operand}, found ${token.found}" :
          try(tokens[i + 1].is == "(", false) ? (
            contains(local.functions, token.text) ? "" :
            contains(local.functions, upper(token.text)) ? "functions are written in upper case: `${upper(token.text)}`" :
            "`${token.text}` is not a function that alarms can use here; known are ${join(", ", local.functions)}"
          ) :
          contains(local.expressions[key].ids, token.text) ? "" :
          contains(["REPEAT", "LINEAR"], token.text) && try(tokens[i - 1].is == ",", false) ? "" :
          "no metric has the id `${token.text}`; the ids are ${join(", ", local.expressions[key].ids)}"
          ) : (
          # Where an operator or an end has to be.
          token.is == "operator" || (token.is == "(" && tokens[i - 1].is == "word") ? "" :
          length([for before in slice(tokens, 0, i) : before if contains(["(", "["], before.is)]) <= length([for before in slice(tokens, 0, i) : before if contains([")", "]"], before.is)]) ? "expected an operator or the end, found ${token.found}" :
          contains([")", "]", ","], token.is) ? "" : "expected `)`, found ${token.found}"
        )
      )
    }] : { at = error.at, order = error.at, first = 1, text = error.text } if error.text != ""],

    local.math_call_errors[key],

    [for end in [{
      text = (
        length(tokens) == 0 || try(contains(["operator", "(", "[", ","], tokens[length(tokens) - 1].is), false) ? "${local.operand}, found the end" :
        length([for token in tokens : token if token.is == "("]) > length([for token in tokens : token if token.is == ")"]) ? "expected `)`, found the end" :
        length([for token in tokens : token if token.is == "["]) > length([for token in tokens : token if token.is == "]"]) ? "expected `]`, found the end" : ""
      )
    }] : { at = length(local.math_texts[key]), order = length(local.math_texts[key]), first = 1, text = end.text } if end.text != ""],
  ) }

  # The first, and before all others what is no token at all.
  expression_problems = { for key, errors in local.math_errors : key => length(errors) == 0 ? null : [
    for error in errors : "column ${length(join("", slice(local.math_texts[key], 0, error.at))) + 1}: ${error.text}" if 1000000 * error.first + error.order == min([for other in errors : 1000000 * other.first + other.order]...)
  ][0] }

  # Places of the metrics that an expression uses; METRICS() stands for all, or for those with a text in their id.
  expression_uses = { for key, expression in local.expressions : key => [for m, id in expression.ids : m if index(expression.ids, id) == m && (
    contains(local.math[key][*].text, id) ||
    anytrue([for wanted in regexall("METRICS\\(\\s*[\"']?([^\"')]*)[\"']?\\s*\\)", expression.text) : strcontains(id, wanted[0])])
  )] }

  alarm_rules = { for one in local.readable : "${one.file} ${one.index}" => { name = one.rule.name, text = tostring(one.rule.alarm_rule) } if contains(one.given, "alarm_rule") && one.rule.kind == "composite" }

  alarm_rule_tokens = "\\s+|(?:ALARM|OK|INSUFFICIENT_DATA)\\s*\\(\\s*(?:\"[^\"]+\"|[^)\\s\"]+)\\s*\\)|[()]|[^\\s()]+"

  alarm_rule_texts = { for key, rule in local.alarm_rules : key => regexall(local.alarm_rule_tokens, rule.text) }

  alarm_rule_parts = { for key, texts in local.alarm_rule_texts : key => [
    for token in [for at, text in texts : { text = text, at = at } if trimspace(text) != ""] : merge(token, {
      is                                         = contains(["AND", "OR"], token.text) ? "operator" : contains(["NOT", "(", ")"], token.text) ? token.text : endswith(token.text, ")") || contains(["TRUE", "FALSE"], token.text) ? "operand" : "nothing"
    })
  ] }

  alarm_rule_errors = { for key, tokens in local.alarm_rule_parts : key => concat(
    [for error in [for i, token in tokens : {
      at = token.at
      text = (
        i == 0 || try(contains(["operator", "NOT", "("], tokens[i - 1].is), false)
        ? (contains(["operand", "NOT", "("], token.is) ? "" : "expected ALARM(name), OK(name), INSUFFICIENT_DATA(name), TRUE, FALSE, NOT or `(`")
        : token.is == "operator" ? ""
        : length([for before in slice(tokens, 0, i) : before if before.is == "("]) <= length([for before in slice(tokens, 0, i) : before if before.is == ")"]) ? "expected AND, OR or the end"
        : token.is == ")" ? "" : "expected `)`"
      )
    }] : error if error.text != ""],
    [for end in [{
      at = length(local.alarm_rule_texts[key])
      text = (
        length(tokens) == 0 || try(contains(["operator", "NOT", "("], tokens[length(tokens) - 1].is), false) ? "expected ALARM(name), OK(name), INSUFFICIENT_DATA(name), TRUE, FALSE, NOT or `(`" :
        length([for token in tokens : token if token.is == "("]) > length([for token in tokens : token if token.is == ")"]) ? "expected `)`" : ""
      )
    }] : end if end.text != ""],
  ) }

  alarm_rule_problems = { for key, errors in local.alarm_rule_errors : key => length(errors) == 0 ? null : [
    for error in errors : "column ${length(join("", slice(local.alarm_rule_texts[key], 0, error.at))) + 1}: ${error.text}" if error.at == min(errors[*].at...)
  ][0] }
}
