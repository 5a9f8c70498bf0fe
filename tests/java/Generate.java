import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

/**
 * Makes videos with Java's own HTTP client as it is by default: it offers HTTP/2 with every request.
 *
 * <p>Arguments: the address of a service, a key, a folder with a picture, and what to do. Each line that it prints is a
 * name, a status and a body.
 */
public class Generate {
  static final HttpClient CLIENT = HttpClient.newHttpClient();
  static String service;
  static String key;
  static Path folder;

  public static void main(String[] arguments) throws Exception {
    service = arguments[0];
    key = arguments[1];
    folder = Path.of(arguments[2]);
    video("gateway", "/luma/generations", "{\"user_prompt\": \"[delay=1] from Java\", \"duration\": \"1s\"}", "task_id");
    video("dream_machine", "/dream-machine/v1/generations",
        "{\"model\": \"ray-2\", \"prompt\": \"[delay=1] from Java\", \"duration\": \"1s\", \"resolution\": \"540p\"}", "id");
    if (arguments[3].equals("everything")) {
      large();
      atOnce();
      refusals();
    }
  }

  /** Submits, polls until the end, and downloads. */
  static void video(String name, String path, String body, String id) throws Exception {
    var submitted = again(request(path).POST(BodyPublishers.ofString(body)));
    show(name + ".submitted", submitted);
    var mine = path + "/" + field(submitted.body(), id);
    HttpResponse<String> seen;
    do {
      Thread.sleep(200);
      seen = again(request(mine).GET());
    } while (!List.of("completed", "failed").contains(field(seen.body(), "state")));
    show(name + ".ended", seen);
    var link = field(seen.body(), name.equals("gateway") ? "download_url" : "video");
    var file = CLIENT.send(HttpRequest.newBuilder(URI.create(link)).build(),
        BodyHandlers.ofFile(folder.resolve(name + ".mp4")));
    System.out.println(name + ".file " + file.statusCode() + " " + file.headers().firstValue("content-type").orElse(""));
  }

  /** Sends more than fits in a buffer: in chunks, of a known length, and only when the service asks for it. */
  static void large() throws Exception {
    var picture = Base64.getEncoder().encodeToString(Files.readAllBytes(folder.resolve("large.png")));
    var body = "{\"user_prompt\": \"a\", \"duration\": \"1s\", \"image_url\": \"data:image/png;base64," + picture + "\"}";
    BodyPublisher chunked = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body.getBytes()));
    show("large.known", again(request("/luma/generations").POST(BodyPublishers.ofString(body))));
    show("large.chunked", again(request("/luma/generations").POST(chunked)));
    show("large.expected",
        again(request("/luma/generations").expectContinue(true).POST(BodyPublishers.ofString(body))));
  }

  /** Submits four at once, then asks for all of them at once. */
  static void atOnce() throws Exception {
    var sent = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (var number = 0; number < 4; number++) {
      var body = "{\"user_prompt\": \"number " + number + "\", \"duration\": \"1s\"}";
      sent.add(CLIENT.sendAsync(request("/luma/generations").POST(BodyPublishers.ofString(body)).build(),
          BodyHandlers.ofString()));
    }
    var ids = new ArrayList<String>();
    for (var each : sent) {
      ids.add("\"" + field(each.get().body(), "task_id") + "\"");
    }
    var batch = "{\"ids\": [" + String.join(", ", ids) + "]}";
    show("at_once", again(request("/luma/tasks").POST(BodyPublishers.ofString(batch))));
  }

  /** Does what is refused. */
  static void refusals() throws Exception {
    var wrong = BodyPublishers.ofString("{\"user_prompt\": \"a\", \"duration\": \"forever\"}");
    show("refused.bad", again(request("/luma/generations").POST(wrong)));
    show("refused.gone", again(request("/luma/generations/" + UUID.randomUUID()).GET()));
    key = "wrong";
    show("refused.key", again(request("/luma/generations/" + UUID.randomUUID()).GET()));
    show("refused.unread", again(request("/luma/generations").POST(BodyPublishers.ofByteArray(new byte[4_000_000]))));
  }

  static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(service + path))
        .timeout(Duration.ofSeconds(30))
        .header("Authorization", "Bearer " + key)
        .header("Idempotency-Key", UUID.randomUUID().toString())
        .header("Content-Type", "application/json");
  }

  /** Sends a request as programs do: once more after a lost connection, and when a busy server says so. */
  static HttpResponse<String> again(HttpRequest.Builder builder) throws Exception {
    var request = builder.build();
    for (var attempt = 1;; attempt++) {
      try {
        var answer = CLIENT.send(request, BodyHandlers.ofString());
        if (attempt == 4 || answer.statusCode() != 429 && answer.statusCode() != 503) {
          return answer;
        }
        Thread.sleep(1000 * Long.parseLong(answer.headers().firstValue("Retry-After").orElse("1")));
      } catch (IOException lost) {
        if (attempt == 4) {
          throw lost;
        }
      }
    }
  }

  static String field(String body, String name) {
    var found = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(body);
    return found.find() ? found.group(1) : "";
  }

  static void show(String name, HttpResponse<String> answer) {
    System.out.println(name + " " + answer.statusCode() + " " + answer.body());
  }
}
