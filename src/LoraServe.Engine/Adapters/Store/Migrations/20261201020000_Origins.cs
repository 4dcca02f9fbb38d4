using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LoraServe.Engine.Adapters.Store.Migrations
{
    /// <inheritdoc />
    internal partial class Origins : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Origin",
                table: "History",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Origin",
                table: "Folders",
                type: "TEXT",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Origin",
                table: "History");

            migrationBuilder.DropColumn(
                name: "Origin",
                table: "Folders");
        }
    }
}
