//! Lambda's runtime API on a loopback address, for a test that starts a function's program.

use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// The trace of each invocation.
pub const INVOCATION_TRACE: &str = "Root=1-6a000000-0123456789abcdef01234567";

/// A request, and the connection for its answer.
pub struct Request {
    /// Its first line.
    pub line: String,
    /// Its headers; their names are in lower case.
    pub headers: HashMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
    connection: TcpStream,
}

impl Request {
    /// Reads a request.
    pub fn read(stream: TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0, "the request ended early: {head}");
        }
        let mut lines = head.trim_end().lines();
        let line = lines.next().unwrap().to_owned();
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        Self { line, headers, body, connection: reader.into_inner() }
    }

    /// Its body as JSON, or null.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Answers it. Each header ends with `\r\n`.
    pub fn answer(mut self, status: &str, headers: &str, body: &[u8]) {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
            body.len()
        );
        self.connection.write_all(&[head.as_bytes(), body].concat()).unwrap();
    }
}

/// The runtime API, which does what the test says.
pub struct RuntimeApi(TcpListener);

impl RuntimeApi {
    /// Listens on a free port.
    pub fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// The program's next request.
    pub fn next(&self) -> Request {
        self.0.set_nonblocking(true).unwrap();
        for _ in 0..12_000 {
            match self.0.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    return Request::read(stream);
                }
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        panic!("the program requested nothing within a minute");
    }

    /// Whether no request waits for an answer at the moment.
    pub fn is_idle(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        self.0.accept().is_err()
    }

    /// Gives the program an event to work on.
    pub fn give(&self, event: &Value) {
        let request = self.next();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert_eq!(request.line, "GET /2018-06-01/runtime/invocation/next HTTP/1.1", "{body}");
        let headers = format!(
            "Lambda-Runtime-Aws-Request-Id: r-1\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n\
             Lambda-Runtime-Trace-Id: {INVOCATION_TRACE};Parent=00000000000000aa;Sampled=0\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:shop\r\n"
        );
        request.answer("200 OK", &headers, event.to_string().as_bytes());
    }

    /// Gives the program an event. Returns the first line and the body of the request with the program's answer.
    pub fn invoke(&self, event: &Value) -> (String, Value) {
        self.give(event);
        let request = self.next();
        let answer = (request.line.clone(), request.json());
        request.answer("202 Accepted", "", b"");
        answer
    }
}
