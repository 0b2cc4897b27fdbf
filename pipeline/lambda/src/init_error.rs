//! Reports to Lambda why a function could not start.

use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// The runtime API is in the same sandbox, so an answer that takes longer will not arrive.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Reports it to the runtime API at `address` ("Initialization error" of Lambda's runtime API). So the invocation's
/// error has the reason, not only the log. The process ends afterwards in any case, so the result is not returned.
///
/// `lambda_runtime` does this too, but only for its own errors.
pub fn report(address: &str, message: &str) {
    let _ = try_report(address, message);
}

fn try_report(address: &str, message: &str) -> std::io::Result<()> {
    let body =
        json!({ "errorType": "Runtime.InitError", "errorMessage": message, "stackTrace": [] }).to_string();
    let request = format!(
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Lambda-Runtime-Function-Error-Type: Runtime.InitError\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let Some(socket) = address.to_socket_addrs()?.next() else { return Ok(()) };
    let mut stream = TcpStream::connect_timeout(&socket, ANSWER_TIMEOUT)?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    // Wait for the answer: a connection that is closed earlier counts as broken.
    stream.read(&mut [0; 512]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    #[test]
    fn the_runtime_api_gets_the_reason() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert_ne!(reader.read_line(&mut head).unwrap(), 0, "the request ended early: {head}");
            }
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            reader.into_inner().write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").unwrap();
            (head, serde_json::from_slice::<serde_json::Value>(&body).unwrap())
        });
        report(&address, "the environment variable X is not set");
        let (head, body) = server.join().unwrap();
        assert!(head.starts_with("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"), "{head}");
        assert_eq!(body["errorMessage"], "the environment variable X is not set");
    }

    #[test]
    fn a_missing_runtime_api_is_no_error() {
        report("127.0.0.1:1", "x");
        report("not an address", "x");
    }
}
