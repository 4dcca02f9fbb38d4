using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraServe.Tests;

/// <summary>What every source file keeps to, so that a class stays a page or two. Migrations are generated and keep to nothing.</summary>
public class SourceRulesTests
{
    private const int MostLines = 250;
    private const int LinesWithoutReason = 200;
    private const int MostParameters = 6;

    // Long for a reason; none of them may go over the most lines.
    private static readonly Dictionary<string, string> LongFiles = new(StringComparer.Ordinal)
    {
        ["src/LoraServe.Text/Templates/Library/StringMethods.cs"] = "one table with all methods of a string, a line or two each",
        ["src/LoraServe.Text/Templates/Syntax/TemplateParser.cs"] = "one recursion over all statements, a few lines each",
        ["src/LoraServe.Text/Tokenizers/Patterns/PatternMatcher.cs"] = "one interpreter: its loop, its backtracking and what it remembers explain each other",
        ["src/LoraServe/LoraServeOptions.cs"] = "every option of the server with its text, which the help and the pages are written from",
    };

    // What does not keep to the rules yet. These lists only shrink: one that is mended and still listed fails the test.
    private static readonly string[] TooLong =
    [
    ];

    private static readonly string[] LongWithoutReason =
    [
    ];

    private static readonly string[] TooManyParameters = [];

    private static readonly string[] Partial = [];

    // What the compiler or a source generator completes.
    private static readonly string[] GeneratingAttributes = ["LoggerMessage", "LibraryImport", "GeneratedRegex", "JsonSerializable"];

    private static readonly List<SourceFile> Files = [.. Directory.EnumerateFiles(Repository.File("src"), "*.cs", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/'))
        .Where(path => !path.Split('/').Any(folder => folder is "obj" or "bin" or "Migrations"))
        .Order(StringComparer.Ordinal)
        .Select(path => new SourceFile(path, CSharpSyntaxTree.ParseText(File.ReadAllText(Repository.File(path)))))];

    private static IEnumerable<TypeDeclarationSyntax> Types => Files.SelectMany(file => file.Tree.GetRoot().DescendantNodes().OfType<TypeDeclarationSyntax>());

    [Fact]
    public void File_Any_HasAtMost250Lines() =>
        Files.Where(file => file.Lines > MostLines).Select(file => file.Path).ShouldBe(TooLong, ignoreOrder: true);

    [Fact]
    public void File_Over200Lines_HasAReason() => Files.Where(file => file.Lines is > LinesWithoutReason and <= MostLines)
        .Select(file => file.Path)
        .ShouldBe(LongFiles.Keys.Concat(LongWithoutReason), ignoreOrder: true);

    [Fact]
    public void Constructor_OfAnythingButData_HasAtMostSixParameters() => Types
        .Where(type => !IsData(type) && MostParametersOf(type) > MostParameters)
        .Select(NameOf)
        .ShouldBe(TooManyParameters, ignoreOrder: true);

    [Fact]
    public void Type_Partial_IsInOneFileAndCompletedByAGenerator() => Types.Where(type => type.Modifiers.Any(SyntaxKind.PartialKeyword))
        .GroupBy(NameOf)
        .Where(declarations => declarations.Count() > 1 || !IsGenerated(declarations.Single()))
        .Select(declarations => declarations.Key)
        .ShouldBe(Partial, ignoreOrder: true);

    // A record of properties, and of what is told from them.
    private static bool IsData(TypeDeclarationSyntax type) =>
        type is RecordDeclarationSyntax && !type.Members.Any(member => member is FieldDeclarationSyntax field && !IsShared(field));

    private static bool IsShared(FieldDeclarationSyntax field) =>
        field.Modifiers.Any(SyntaxKind.StaticKeyword) || field.Modifiers.Any(SyntaxKind.ConstKeyword);

    private static int MostParametersOf(TypeDeclarationSyntax type) => type.Members.OfType<ConstructorDeclarationSyntax>()
        .Select(constructor => constructor.ParameterList)
        .Append(type.ParameterList)
        .Max(parameters => parameters?.Parameters.Count ?? 0);

    // A type around a generated one is partial as well.
    private static bool IsGenerated(TypeDeclarationSyntax type) => type.DescendantNodesAndSelf()
        .OfType<AttributeSyntax>()
        .Any(attribute => GeneratingAttributes.Contains(attribute.Name.ToString(), StringComparer.Ordinal));

    private static string NameOf(TypeDeclarationSyntax type) => string.Join(
        '.',
        type.Ancestors().OfType<BaseNamespaceDeclarationSyntax>().Select(space => space.Name.ToString()).Reverse()
            .Concat(type.AncestorsAndSelf().OfType<TypeDeclarationSyntax>().Select(outer => outer.Identifier.Text).Reverse()));

    // The text ends with a line break.
    private sealed record SourceFile(string Path, SyntaxTree Tree)
    {
        public int Lines => Tree.GetText().Lines.Count - 1;
    }
}
