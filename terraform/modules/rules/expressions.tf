# Metric math and the rules of composite alarms, token by token: each is judged by the one before it. How kinds of
# values fit together (a number where a series is needed, too many arguments) is left to the crate and to CloudWatch,
# which refuses such an alarm.

locals {
  functions = [
    "ABS", "AVG", "CEIL", "DATAPOINT_COUNT", "DIFF", "DIFF_TIME", "FILL", "FIRST", "LAST", "FLOOR", "IF", "LOG", "LOG10", "MAX", "METRIC_COUNT", "METRICS", "MIN",
    "MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH", "PERIOD", "RATE", "REMOVE_EMPTY", "RUNNING_SUM", "STDDEV", "SUM", "TIME_SERIES",
  ]

  math_tokens = "\\s+|[0-9.][0-9.eE]*(?:[eE][+-][0-9]+)?|[A-Za-z][A-Za-z0-9_]*|\"[^\"]*\"|'[^']*'|&&|\\|\\||==|!=|<=|>=|[-<>+*/^()\\[\\],]|(?s:.)"

  expressions = { for one in local.readable : "${one.file} ${one.index}" => { text = tostring(jsondecode(one.rule).expression), ids = one.ids } if contains(one.given, "expression") && jsondecode(one.rule).kind != "composite" }

  # What there is but space, with the column it starts at.
  math = { for key, expression in local.expressions : key => [
    for token in [for index, text in regexall(local.math_tokens, expression.text) : { text = text, column = length(join("", slice(regexall(local.math_tokens, expression.text), 0, index))) + 1 }] : merge(token, {
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
    }) if trimspace(token.text) != ""
  ] }

  operand = "expected a metric id, a number or a function"

  math_errors = { for key, tokens in local.math : key => concat(
    [for token in tokens : { column = token.column - 1000000, text = "column ${token.column}: ${
      token.is == "not a number" ? "`${token.text}` is not a number" : contains(["\"", "'"], token.text) ? "this quotation mark is never closed" : "`${token.text}` has no meaning in an expression"
    }" } if contains(["nothing", "not a number"], token.is)],

    [for error in [for i, token in tokens : {
      column = token.column
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
    }] : { column = error.column, text = "column ${error.column}: ${error.text}" } if error.text != ""],

    [for end in [{
      column = length(local.expressions[key].text) + 1
      text = (
        length(tokens) == 0 || try(contains(["operator", "(", "[", ","], tokens[length(tokens) - 1].is), false) ? "${local.operand}, found the end" :
        length([for token in tokens : token if token.is == "("]) > length([for token in tokens : token if token.is == ")"]) ? "expected `)`, found the end" :
        length([for token in tokens : token if token.is == "["]) > length([for token in tokens : token if token.is == "]"]) ? "expected `]`, found the end" : ""
      )
    }] : { column = end.column, text = "column ${end.column}: ${end.text}" } if end.text != ""],
  ) }

  expression_problems = { for key, errors in local.math_errors : key => length(errors) == 0 ? null : [for error in errors : error.text if error.column == min(errors[*].column...)][0] }

  # Places of the metrics that an expression uses; METRICS() stands for all, or for those with a text in their id.
  expression_uses = { for key, expression in local.expressions : key => [for m, id in expression.ids : m if index(expression.ids, id) == m && (
    contains(local.math[key][*].text, id) ||
    anytrue([for wanted in regexall("METRICS\\(\\s*[\"']?([^\"')]*)[\"']?\\s*\\)", expression.text) : strcontains(id, wanted[0])])
  )] }

  alarm_rules = { for one in local.readable : "${one.file} ${one.index}" => { name = jsondecode(one.rule).name, text = tostring(jsondecode(one.rule).alarm_rule) } if contains(one.given, "alarm_rule") && jsondecode(one.rule).kind == "composite" }

  alarm_rule_tokens = "\\s+|(?:ALARM|OK|INSUFFICIENT_DATA)\\s*\\(\\s*(?:\"[^\"]+\"|[^)\\s\"]+)\\s*\\)|[()]|[^\\s()]+"

  alarm_rule_parts = { for key, rule in local.alarm_rules : key => [
    for token in [for index, text in regexall(local.alarm_rule_tokens, rule.text) : { text = text, column = length(join("", slice(regexall(local.alarm_rule_tokens, rule.text), 0, index))) + 1 }] : merge(token, {
      is                                                                                   = contains(["AND", "OR"], token.text) ? "operator" : contains(["NOT", "(", ")"], token.text) ? token.text : endswith(token.text, ")") || contains(["TRUE", "FALSE"], token.text) ? "operand" : "nothing"
    }) if trimspace(token.text) != ""
  ] }

  alarm_rule_errors = { for key, tokens in local.alarm_rule_parts : key => concat(
    [for error in [for i, token in tokens : {
      column = token.column
      text = (
        i == 0 || try(contains(["operator", "NOT", "("], tokens[i - 1].is), false)
        ? (contains(["operand", "NOT", "("], token.is) ? "" : "expected ALARM(name), OK(name), INSUFFICIENT_DATA(name), TRUE, FALSE, NOT or `(`")
        : token.is == "operator" ? ""
        : length([for before in slice(tokens, 0, i) : before if before.is == "("]) <= length([for before in slice(tokens, 0, i) : before if before.is == ")"]) ? "expected AND, OR or the end"
        : token.is == ")" ? "" : "expected `)`"
      )
    }] : error if error.text != ""],
    [for end in [{
      column = length(local.alarm_rules[key].text) + 1
      text = (
        length(tokens) == 0 || try(contains(["operator", "NOT", "("], tokens[length(tokens) - 1].is), false) ? "expected ALARM(name), OK(name), INSUFFICIENT_DATA(name), TRUE, FALSE, NOT or `(`" :
        length([for token in tokens : token if token.is == "("]) > length([for token in tokens : token if token.is == ")"]) ? "expected `)`" : ""
      )
    }] : end if end.text != ""],
  ) }

  alarm_rule_problems = { for key, errors in local.alarm_rule_errors : key => length(errors) == 0 ? null : [for error in errors : "column ${error.column}: ${error.text}" if error.column == min(errors[*].column...)][0] }
}
