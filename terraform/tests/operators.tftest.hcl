# The permissions of a deployment's users.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "a_viewer_changes_nothing_and_an_operator_deletes_nothing" {
  assert {
    condition = sort(distinct(flatten([for statement in jsondecode(output.operator_policies.viewer).Statement : statement.Action]))) == tolist([
      "budgets:ViewBudget",
      "cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData",
      "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
      "kms:Decrypt",
      "s3:GetObject", "s3:ListBucket",
      "sqs:GetQueueAttributes",
      "xray:BatchGetTraces", "xray:GetTraceSummaries",
    ])
    error_message = "A viewer may only read, with these actions."
  }

  assert {
    condition = setsubtract(
      flatten([for statement in jsondecode(output.operator_policies.operator).Statement : statement.Action]),
      flatten([for statement in jsondecode(output.operator_policies.viewer).Statement : statement.Action]),
      ) == toset([
        "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
        "kms:GenerateDataKey", "s3:GetObjectVersion", "s3:ListBucketVersions", "s3:PutObject", "sqs:SendMessage",
    ])
    error_message = "An operator may also replay and record it, restore deleted dead letters, list stored events, and nothing else."
  }

  assert {
    condition     = alltrue([for statement in local.operate : statement.Condition.Null["s3:if-none-match"] == "false" if contains(statement.Action, "s3:PutObject")])
    error_message = "An operator restores a deleted dead letter and overwrites none."
  }

  assert {
    condition = toset([for statement in local.operate : statement.Resource if contains(statement.Action, "dynamodb:Scan")]) == toset([
      module.events.arn, module.ops_log.arn,
    ])
    error_message = "An operator may scan the stored events, to list them, and what was done; not the index itself."
  }

  assert {
    condition     = alltrue([for statement in local.operate : statement.Resource == module.ops_log.arn if contains(statement.Action, "dynamodb:DeleteItem")])
    error_message = "No policy allows deleting a dead letter from the index."
  }

  assert {
    condition = alltrue(flatten([for statement in jsondecode(output.operator_policies.operator).Statement : [
      for resource in flatten([statement.Resource]) : resource != "*" && !endswith(resource, ":*") || contains(["ReadMetricsAndTraces", "ReadAlarms"], statement.Sid)
    ]]))
    error_message = "Every statement names this deployment's resources, except for calls for which IAM has no resource types."
  }

  assert {
    condition     = [for statement in jsondecode(output.operator_policies.viewer).Statement : statement.Resource if statement.Sid == "ReadAlarms"] == ["*"]
    error_message = "CloudWatch returns composite alarms only to callers that may ask about all alarms."
  }
}
