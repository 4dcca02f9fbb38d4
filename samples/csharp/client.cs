// Asks an adapter a question and writes the answer as it comes.
//   dotnet run samples/csharp/client.cs ["question" [adapter]]
// LORASERVE_URL names the server, LORASERVE_KEY a key, if the server asks for one.
#:package OpenAI@2.15.0
using System.ClientModel;
using OpenAI;

var url = Environment.GetEnvironmentVariable("LORASERVE_URL") ?? "http://localhost:8080";
var key = Environment.GetEnvironmentVariable("LORASERVE_KEY") ?? "unused";
var question = args.ElementAtOrDefault(0) ?? "Which products cost less than 59 euros?";
var adapter = args.ElementAtOrDefault(1) ?? "sql";

var client = new OpenAIClient(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri($"{url}/v1") });
await foreach (var update in client.GetChatClient(adapter).CompleteChatStreamingAsync(question))
    Console.Write(string.Concat(update.ContentUpdate.Select(part => part.Text)));
Console.WriteLine();
