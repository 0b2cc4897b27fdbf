# What people may do with a deployment.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  artifacts_dir = "tests/artifacts"
}

run "a_viewer_changes_nothing_and_an_operator_deletes_nothing" {
  assert {
    condition = sort(distinct(flatten([for statement in jsondecode(output.operator_policies.viewer).Statement : statement.Action]))) == tolist([
      "budgets:ViewBudget",
      "cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData",
      "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query",
      "kms:Decrypt",
      "s3:GetObject", "s3:ListBucket",
      "sqs:GetQueueAttributes",
      "xray:BatchGetTraces", "xray:GetTraceSummaries",
    ])
    error_message = "A viewer has reads, and no other action than these."
  }

  assert {
    condition = setsubtract(
      flatten([for statement in jsondecode(output.operator_policies.operator).Statement : statement.Action]),
      flatten([for statement in jsondecode(output.operator_policies.viewer).Statement : statement.Action]),
      ) == toset([
        "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:UpdateItem",
        "kms:GenerateDataKey", "sqs:SendMessage",
    ])
    error_message = "An operator may put back and note it, and nothing else."
  }

  assert {
    condition     = alltrue([for statement in local.operate : statement.Resource == module.ops_log.arn if contains(statement.Action, "dynamodb:Scan")])
    error_message = "Nobody reads through all events."
  }

  assert {
    condition     = alltrue([for statement in local.operate : statement.Resource == module.ops_log.arn if contains(statement.Action, "dynamodb:DeleteItem")])
    error_message = "Nobody can take a dead letter out of the index."
  }

  assert {
    condition = alltrue(flatten([for statement in jsondecode(output.operator_policies.operator).Statement : [
      for resource in flatten([statement.Resource]) : resource != "*" && !endswith(resource, ":*") || contains(["ReadMetricsAndTraces", "ReadAlarms"], statement.Sid)
    ]]))
    error_message = "Every statement names this deployment's resources, but for calls that AWS has none for."
  }

  assert {
    condition     = [for statement in jsondecode(output.operator_policies.viewer).Statement : statement.Resource if statement.Sid == "ReadAlarms"] == ["*"]
    error_message = "CloudWatch tells of composite alarms only who may ask about all alarms."
  }
}
