//! A Lambda function that answers at once and does nothing else. It shows what lambda_runtime alone needs, on one
//! thread like our functions.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(answer)).await
}

async fn answer(_event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(json!({ "statusCode": 202, "headers": {}, "body": "" }))
}
