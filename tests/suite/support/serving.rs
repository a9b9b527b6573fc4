//! `jea-auth serve`.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use super::{
    program::{Operator, PROGRAM},
    service::client,
};

/// Three ports that were free a moment ago.
pub fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// `jea-auth serve` on ports of its own.
pub struct Serving {
    child: Child,
    pub url: String,
    ports: [u16; 3],
}

impl Serving {
    pub async fn start(folder: &Path, ports: [u16; 3]) -> Self {
        Self::start_with(folder, ports, &[]).await
    }

    /// With more options.
    pub async fn start_with(folder: &Path, ports: [u16; 3], options: &[String]) -> Self {
        Self::of(serve(folder, ports).args(options), ports).await
    }

    /// With no other options than these, which choose the ports.
    pub async fn start_as(folder: &Path, ports: [u16; 3], options: &[String]) -> Self {
        Self::of(Command::new(PROGRAM).arg("serve").args(options).current_dir(folder), ports).await
    }

    async fn of(command: &mut Command, ports: [u16; 3]) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let url = format!("http://127.0.0.1:{}", ports[0]);
        let begun = Instant::now();
        while client().get(format!("{url}/users/api/info")).send().await.is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "it does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { child, url, ports }
    }

    /// Sends a signal, and gives back what was printed.
    pub fn stop(self, signal: &str) -> Output {
        self.tell(signal);
        self.child.wait_with_output().unwrap()
    }

    fn tell(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// The command line against this server.
    pub fn local(&self, arguments: &[&str], stdin: &str) -> Output {
        self.operator().run(arguments, stdin)
    }

    pub fn operator(&self) -> Operator {
        let [_, dynamodb, kms] = self.ports;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        Operator::at(&url(dynamodb), &url(kms))
    }
}

pub fn serve(folder: &Path, [listen, dynamodb, kms]: [u16; 3]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").current_dir(folder);
    for (option, port) in [("--listen", listen), ("--dynamodb", dynamodb), ("--kms", kms)] {
        command.args([option, &format!("127.0.0.1:{port}")]);
    }
    command
}
