//! How much is in a queue, as the broker says.

use std::sync::Arc;

use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use metrics::gauge;
use reen_chassis::metrics::{Sampling, sample};

use crate::connection::Line;
use crate::queue::DELAYS;
use crate::{Broker, Error, Queue};

const MESSAGES: &str = "reen_queue_messages";
const CONSUMERS: &str = "reen_queue_consumers";

/// Whose queue is measured, and over which connection it is asked for.
struct Depth {
    line: Line,
    queue: Queue,
}

impl Broker {
    /// Tells on `/metrics` how many messages of `queue` wait for work, for their time, and among the dead
    /// letters; as long as the answer is held.
    pub fn sample(&self, queue: Queue) -> Sampling {
        metrics::describe_gauge!(
            MESSAGES,
            "Messages that wait for work (ready), for their time (delayed), or are dead; not those in work."
        );
        metrics::describe_gauge!(CONSUMERS, "Processes that work on a queue.");
        let line = self.publishing().clone();
        let depth = Arc::new(Depth { line, queue });
        sample("queue", depth, |depth| async move { depth.tell().await })
    }
}

impl Depth {
    async fn tell(&self) -> Result<(), Error> {
        let connection = self.line.connection().await?;
        let telling = async {
            // A queue that is not there takes the channel with it, so that each round has its own.
            let channel = connection.create_channel().await?;
            self.tell_over(&channel).await?;
            Ok(channel.close(200, "done".into()).await?)
        };
        self.line.until_lost(&connection, telling).await
    }

    async fn tell_over(&self, channel: &Channel) -> Result<(), Error> {
        let name = self.queue.name;
        let ready = look(channel, name).await?;
        let dead = look(channel, &self.queue.dead()).await?;
        let mut delayed = 0_u32;
        for delay in DELAYS {
            let waiting = look(channel, &self.queue.delayed(delay)).await?;
            delayed = delayed.saturating_add(waiting.messages);
        }
        for (state, count) in [
            ("ready", ready.messages),
            ("delayed", delayed),
            ("dead", dead.messages),
        ] {
            gauge!(MESSAGES, "queue" => name, "state" => state).set(count);
        }
        gauge!(CONSUMERS, "queue" => name).set(ready.consumers);
        Ok(())
    }
}

struct Look {
    messages: u32,
    consumers: u32,
}

/// Declares a queue passively: it is looked at, and never made.
async fn look(channel: &Channel, name: &str) -> Result<Look, Error> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..Default::default()
    };
    let queue = channel
        .queue_declare(name.into(), passive, FieldTable::default())
        .await?;
    Ok(Look {
        messages: queue.message_count(),
        consumers: queue.consumer_count(),
    })
}
