using System.CommandLine;
using LoraServe.Api.Requests;
using LoraServe.Commands;

namespace LoraServe.Tests.Api.Requests;

public class ArgumentErrorsTests
{
    [Fact]
    public void Of_EveryOptionThatTakesANumberOrAName_SaysInWordsWhatItTakes()
    {
        var taking = Commands(Root()).SelectMany(command => command.Command.Options.Select(option => (command.Path, Option: option)))
            .Where(item => item.Path.Length > 0 && item.Option.HelpName is "NUMBER" or "NAME").ToList();

        taking.Count.ShouldBeGreaterThan(50);
        foreach (var (path, option) in taking)
        {
            var errors = Of([.. path, option.Name, "x"]);
            errors.ShouldContain(
                error => error.StartsWith("'x' is ", StringComparison.Ordinal) && error.Contains($"{option.Name} takes "), $"{option.Name}: {string.Join('\n', errors)}");
        }
    }

    [Theory]
    [InlineData("train --data FILE --out b --r x", "'x' is no number: --r takes a whole number")]
    [InlineData("train --data FILE --out b --r 1.5", "'1.5' is no whole number: --r takes a whole number")]
    [InlineData("train --data FILE --out b --r 99999999999", "'99999999999' is out of range: --r takes a whole number")]
    [InlineData("train --data FILE --out b --threads 0", "'0' is out of range: --threads takes a whole number from 1 to 1024")]
    [InlineData("train --data FILE --out b --schedule fast", "'fast' is unknown: --schedule takes cosine, linear or constant")]
    [InlineData("train --data FILE --out b --schedule 1", "'1' is unknown: --schedule takes cosine, linear or constant")]
    [InlineData("evaluate --base --data FILE --generate -1", "'-1' is out of range: --generate takes a whole number from 0 on")]
    [InlineData("merge --model . --adapter . --out c --dtype int8", "'int8' is unknown: --dtype takes bfloat16 or float32")]
    [InlineData("merge --model x/y --adapter . --out c", "hf download x/y")]
    [InlineData("merge --model . --adapter x/y --out c", "hf download x/y")]
    [InlineData("evaluate --data FILE --adapter nowhere", "--adapter: expected the folder of a PEFT adapter, found 'nowhere', which does not exist")]
    [InlineData("evaluate --data FILE --base --json /nowhere/figures.json", "--json: expected a file in a folder that exists, found '/nowhere/figures.json'")]
    [InlineData("train --data nowhere.jsonl --out b", "--data: expected a file that exists, found 'nowhere.jsonl'")]
    [InlineData("train --data FILE --validation nowhere.jsonl --out b", "--validation: expected a file that exists, found 'nowhere.jsonl'")]
    [InlineData("rank --data FILE --test . --out b", "--test: expected a file, found the folder '.'")]
    [InlineData("keys create --name a --scopes infer --max-adapter-bytes 1GB", "'1GB' is no number: --max-adapter-bytes takes a whole number from 0 on")]
    [InlineData("--max-num-seq 3", "'--max-num-seq' is no option: is --max-num-seqs meant?")]
    [InlineData("trian", "'trian' is no command: is train meant?")]
    public void Of_Mistake_IsTheOnlyErrorAndInWords(string arguments, string error) => Of(arguments.Replace("FILE", typeof(Program).Assembly.Location, StringComparison.Ordinal).Split(' ')).ShouldHaveSingleItem().ShouldContain(error);

    [Fact]
    public void Of_SeveralMistakes_AreAllTold() => Of(["train", "--r", "x", "--epochs", "y"]).Count.ShouldBe(4);

    private static IReadOnlyList<string> Of(IReadOnlyList<string> arguments) => [.. ArgumentErrors.Of(Root().Parse(arguments))];

    private static RootCommand Root() => CommandLine.Create(_ => Task.FromResult(0));

    private static IEnumerable<(Command Command, string[] Path)> Commands(Command command, params string[] path) =>
        command.Subcommands.SelectMany(sub => Commands(sub, [.. path, sub.Name])).Prepend((command, path));
}
