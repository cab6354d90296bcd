mod reading;

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use lapin::Connection;
use lapin::message::Delivery as AmqpDelivery;
use lapin::options::BasicAckOptions;
use prost::Name;
use tokio::sync::Mutex;

use crate::message::{died_at, reason};
use crate::{Broker, Error, Message, Publisher, Queue};
use reading::Reading;

const CONNECTION_PATIENCE: Duration = Duration::from_secs(4);

/// A message that nobody could work on.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    message: Message,
    reason: String,
    died_at: Option<i64>,
}

impl DeadLetter {
    fn read(amqp: &AmqpDelivery) -> Self {
        Self {
            message: Message::read(amqp),
            reason: reason(amqp),
            died_at: died_at(amqp),
        }
    }

    /// The message's id, which it keeps when it is replayed.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.message.id
    }

    /// The full name of the protobuf message in the body.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.message.kind
    }

    /// Why it is dead: the sentence of whoever buried it, or the broker's word, which is
    /// `delivery_limit` when it killed its consumers.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it died, in milliseconds since 1970, unless somebody else put it there.
    #[must_use]
    pub fn died_at(&self) -> Option<i64> {
        self.died_at
    }

    /// How often it was put off before it died.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.message.attempt
    }

    /// The bytes of its content.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.message.body
    }

    /// The content, when it is an `M`.
    ///
    /// # Errors
    /// One sentence for an operator: the kind is another, or the body cannot be read.
    pub fn decode<M: Name + Default>(&self) -> Result<M, String> {
        self.message.decode()
    }
}

/// Which letters are meant.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// Those that are dead when the call begins.
    All,
    /// Those with one of these ids, among the 65,535 oldest.
    These(&'a [String]),
}

impl Which<'_> {
    /// How many letters may be held unsettled: those that are passed over are held to the end.
    fn held_at_most(self) -> u16 {
        match self {
            Self::All => reading::BATCH,
            Self::These(_) => reading::MOST_HELD,
        }
    }

    fn includes(self, amqp: &AmqpDelivery) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => {
                let id = amqp.properties.message_id().as_ref();
                id.is_some_and(|id| ids.iter().any(|wanted| wanted == id.as_str()))
            }
        }
    }
}

/// What becomes of letters before they are taken out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Replayed,
    Dropped,
}

/// The dead letters of a queue, as an operator reads them, puts them back to work, or forgets them.
///
/// Letters are read without being taken out: they are held on a channel of this call, and whatever
/// ends it, a crash included, gives back what is not settled. Only a letter whose replay the broker
/// has stored, or that is to be forgotten, is taken out. A letter in the hands of another process is
/// not seen meanwhile.
#[derive(Clone)]
pub struct DeadLetters {
    broker: Broker,
    queue: Queue,
    publisher: Publisher,
    /// Calls of one process do not take the letters out of each other's hands.
    turn: Arc<Mutex<()>>,
}

impl DeadLetters {
    /// The dead letters of `queue`, whose queues are made when they are not there.
    ///
    /// # Errors
    /// When the broker is away.
    pub async fn of(broker: &Broker, queue: Queue) -> Result<Self, Error> {
        Ok(Self {
            broker: broker.clone(),
            queue,
            publisher: broker.publisher(queue).await?,
            turn: Arc::default(),
        })
    }

    /// How many there are.
    ///
    /// # Errors
    /// When the broker is away.
    pub async fn count(&self) -> Result<u64, Error> {
        let _turn = self.turn.lock().await;
        let connection = self.connection().await?;
        let counting = self.count_on(&connection);
        self.broker
            .consuming()
            .until_lost(&connection, counting)
            .await
    }

    async fn count_on(&self, connection: &Connection) -> Result<u64, Error> {
        let reading = Reading::begin(connection, self.queue, 1).await?;
        let count = reading.unread();
        reading.end(connection).await?;
        Ok(count)
    }

    /// The oldest ones, up to `limit`, in the order of their deaths. Which of them come within the limit
    /// is for the queue to say, where letters that were read meanwhile may have changed places.
    ///
    /// # Errors
    /// When the broker is away.
    pub async fn list(&self, limit: u16) -> Result<Vec<DeadLetter>, Error> {
        let _turn = self.turn.lock().await;
        let connection = self.connection().await?;
        let listing = self.list_on(&connection, limit);
        self.broker
            .consuming()
            .until_lost(&connection, listing)
            .await
    }

    async fn list_on(&self, connection: &Connection, limit: u16) -> Result<Vec<DeadLetter>, Error> {
        let mut reading = Reading::begin(connection, self.queue, limit).await?;
        let mut letters = Vec::new();
        while letters.len() < usize::from(limit) {
            let Some(amqp) = reading.next().await? else {
                break;
            };
            letters.push(DeadLetter::read(&amqp));
        }
        reading.end(connection).await?;
        letters.sort_by_key(DeadLetter::died_at);
        Ok(letters)
    }

    /// Publishes letters for work anew, as if they had never been put off, and answers how many. One
    /// that dies again meanwhile is not replayed again.
    ///
    /// # Errors
    /// When the broker is away or does not confirm; some may have been replayed then, and a letter
    /// that was may be there still.
    pub async fn replay(&self, which: Which<'_>) -> Result<u64, Error> {
        let _turn = self.turn.lock().await;
        self.settle(which, Fate::Replayed).await
    }

    async fn publish_anew(&self, letter: &AmqpDelivery) -> Result<(), Error> {
        let mut message = Message::read(letter);
        message.attempt = 0;
        self.publisher.publish(&message).await
    }

    /// Forgets letters, and answers how many.
    ///
    /// # Errors
    /// When the broker is away; some may have been forgotten then.
    pub async fn drop(&self, ids: &[String]) -> Result<u64, Error> {
        let _turn = self.turn.lock().await;
        self.settle(Which::These(ids), Fate::Dropped).await
    }

    async fn settle(&self, which: Which<'_>, fate: Fate) -> Result<u64, Error> {
        let connection = self.connection().await?;
        let settling = self.settle_on(&connection, which, fate);
        self.broker
            .consuming()
            .until_lost(&connection, settling)
            .await
    }

    /// Takes letters out after their fate is certain, a batch at a time.
    async fn settle_on(
        &self,
        connection: &Connection,
        which: Which<'_>,
        fate: Fate,
    ) -> Result<u64, Error> {
        let held_at_most = which.held_at_most();
        let mut reading = Reading::begin(connection, self.queue, held_at_most).await?;
        let mut settled = 0;
        loop {
            let batch = reading.batch(which).await?;
            if batch.is_empty() {
                break;
            }
            if fate == Fate::Replayed {
                try_join_all(batch.iter().map(|letter| self.publish_anew(letter))).await?;
            }
            for letter in &batch {
                letter.acker.ack(BasicAckOptions::default()).await?;
                settled += 1;
            }
        }
        reading.end(connection).await?;
        Ok(settled)
    }

    async fn connection(&self) -> Result<Arc<Connection>, Error> {
        let line = self.broker.consuming();
        line.connection_within(CONNECTION_PATIENCE).await
    }
}
