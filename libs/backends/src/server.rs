use std::process::Child;

use anyhow::Result;

use crate::process::end_group;

/// A process of a test that can be killed and started again on its address and its data. It ends when
/// it is dropped.
pub struct Server {
    start: Box<dyn Fn() -> Result<Child> + Send + Sync>,
    running: Option<Child>,
}

impl Server {
    /// Starts it; `start` answers once it does its work, and will be asked again at each restart.
    ///
    /// # Errors
    /// Those of `start`.
    pub fn start(start: impl Fn() -> Result<Child> + Send + Sync + 'static) -> Result<Self> {
        let mut server = Self {
            start: Box::new(start),
            running: None,
        };
        server.restart()?;
        Ok(server)
    }

    /// Ends it with SIGKILL, as a machine that fails would; no more than that when it is down.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            end_group(&mut child);
        }
    }

    /// Starts it again, after killing it when it runs.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.running = Some((self.start)()?);
        Ok(())
    }

    /// Its process id, unless it is down.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Child::id)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
