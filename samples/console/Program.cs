// Two adapters of the demo on one base, in this process:
//   dotnet pack && dotnet run --project samples/console [folder of the demo]
using LoraServe.Engine.Chat;
using LoraServe.Engine.Sampling;
using Microsoft.Extensions.AI;

var demo = args is [var folder] ? folder : "src/LoraServe/Demo";
await using var model = await LocalModel.LoadAsync(Path.Combine(demo, "base"));
foreach (var name in (string[])["sql", "sentiment"]) await model.AddAdapterAsync(name, Path.Combine(demo, "adapters", name));

var greedy = new SamplingParams { Temperature = 0, MaxTokens = 60 };
var answers = await Task.WhenAll(
    model.CompleteAsync("How many orders are cancelled?", "sql", greedy),
    model.CompleteAsync("The kettle broke after two days and nobody answers my mails.", "sentiment", greedy));
foreach (var answer in answers) Console.WriteLine(answer.Trim());

await foreach (var text in model.StreamAsync("How many customers are from Oslo?", "sql", greedy)) Console.Write($"{text}|");
Console.WriteLine();

IChatClient chat = model.AsChatClient("sql");
Console.WriteLine(await chat.GetResponseAsync("How many orders are cancelled?", new ChatOptions { Temperature = 0 }));
