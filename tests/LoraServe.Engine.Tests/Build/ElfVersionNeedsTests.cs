using System.Buffers.Binary;
using System.Text;
using LoraServe.Build;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Build;

public class ElfVersionNeedsTests
{
    private const string Version = "GLIBCXX_3.4.32";
    private const string Marker = "_ZSt21ios_base_library_initv";
    private const int VersionNeeds = 64;
    private const int FlagsOfVersion = VersionNeeds + 16 + 4;

    [Fact]
    public void MakeOptional_LibraryWithMarker_ChangesOnlyTheFlag()
    {
        var image = Library(Marker);
        var before = image.ToArray();

        ElfVersionNeeds.MakeOptional(image, Version, Marker);

        before[FlagsOfVersion] = 2;
        image.ShouldBe(before);
    }

    [Fact]
    public void MakeOptional_AnotherSymbolNeedsTheVersion_NamesIt() =>
        Should.Throw<InvalidDataException>(() => ElfVersionNeeds.MakeOptional(Library("another"), Version, Marker))
            .Message.ShouldContain("another");

    [Fact]
    public void MakeOptional_VersionNotNeeded_SaysSo() =>
        Should.Throw<InvalidDataException>(() => ElfVersionNeeds.MakeOptional(Library(Marker), "GLIBCXX_3.4.33", Marker))
            .Message.ShouldContain("GLIBCXX_3.4.33");

    [Fact]
    public void MakeOptional_NotAnElfFile_SaysSo() =>
        Should.Throw<InvalidDataException>(() => ElfVersionNeeds.MakeOptional(new byte[100], Version, Marker)).Message.ShouldContain("ELF");

    [Fact]
    public void MakeOptional_Truncated_IsAlwaysInvalidData()
    {
        var image = Library(Marker);
        for (var length = 0; length < image.Length; length++)
        {
            var cut = image[..length];
            Should.Throw<InvalidDataException>(() => ElfVersionNeeds.MakeOptional(cut, Version, Marker));
        }
    }

    [Fact]
    public void MakeOptional_AnyByteCorrupted_IsDoneOrInvalidData()
    {
        var library = Library(Marker);
        for (var position = 0; position < library.Length; position++)
        {
            foreach (var value in (byte[])[0, 1, 0x7f, 0x80, 0xff])
            {
                var image = library.ToArray();
                image[position] = value;
                try
                {
                    ElfVersionNeeds.MakeOptional(image, Version, Marker);
                }
                catch (InvalidDataException)
                {
                    // The one error that a damaged file may give.
                }
            }
        }
    }

    // The smallest library that needs one symbol of one version: the tables, then their section headers.
    private static byte[] Library(string symbol)
    {
        var names = Encoding.ASCII.GetBytes($"\0libstdc++.so.6\0{Version}\0{symbol}\0");
        const int VersionName = 16;
        var symbolName = VersionName + Version.Length + 1;
        const int Symbols = VersionNeeds + 32;
        const int SymbolVersions = Symbols + 48;
        const int Names = SymbolVersions + 4;
        var headers = Names + names.Length;
        var image = new byte[headers + 5 * 64];

        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(image);
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(40), headers);
        Write16(image, 58, 64);
        Write16(image, 60, 5);

        Write16(image, VersionNeeds, 1);
        Write16(image, VersionNeeds + 2, 1);
        Write32(image, VersionNeeds + 4, 1);
        Write32(image, VersionNeeds + 8, 16);
        Write16(image, VersionNeeds + 16 + 6, 2);
        Write32(image, VersionNeeds + 16 + 8, VersionName);
        Write32(image, Symbols + 24, symbolName);
        Write16(image, SymbolVersions + 2, 2);
        names.CopyTo(image, Names);

        Header(image, headers + 64, 0x6ffffffe, VersionNeeds, 32);
        Header(image, headers + 2 * 64, 11, Symbols, 48);
        Header(image, headers + 3 * 64, 0x6fffffff, SymbolVersions, 4);
        Header(image, headers + 4 * 64, 3, Names, names.Length);
        return image;
    }

    private static void Header(byte[] image, int at, int type, int offset, int size)
    {
        Write32(image, at + 4, type);
        Write32(image, at + 24, offset);
        Write32(image, at + 32, size);
        Write32(image, at + 40, 4);
    }

    private static void Write16(byte[] image, int at, short value) => BinaryPrimitives.WriteInt16LittleEndian(image.AsSpan(at), value);

    private static void Write32(byte[] image, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(at), value);
}
